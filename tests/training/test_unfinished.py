"""What is kept of the part of an epoch that is done, and that it comes back as it was."""

from dataclasses import dataclass

import torch

from tasks.training.epoch_sums import EpochSums
from tasks.training.unfinished import UnfinishedEpoch, collected, restore_globals
from tasks.training_step.rank import Rank

CPU = torch.device("cpu")


def stepped(sums, figures):
    for loss, norm in figures:
        terms = {"trades.kl": torch.tensor(loss / 3), "cross_entropy": torch.tensor(loss)}
        sums.add(terms, {"scaat.share": torch.tensor(0.1)}, torch.tensor(norm))
    return sums


def test_sums_go_on_bit_by_bit_and_in_their_order():
    """The terms are not in the order of their names, in which a file would give them back."""
    figures = [(0.1 * n, 1 / (n + 1)) for n in range(1, 8)]
    whole = stepped(EpochSums(1), figures).row(0.1)
    half = collected(stepped(EpochSums(1), figures[:3]), [], CPU, with_globals=False)
    again = UnfinishedEpoch.of(dict(sorted(half.tensors.items())))
    sums = EpochSums(1)
    sums.restore(again.steps, again.sums)
    row = stepped(sums, figures[3:]).row(0.1)
    assert row == whole
    assert list(row) == list(whole)


def test_streams_and_global_generators_go_on():
    streams = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
    torch.rand(3, generator=streams[1])
    with torch.random.fork_rng(devices=[]):
        kept = UnfinishedEpoch.of(collected(EpochSums(1), streams, CPU, with_globals=True).tensors)
        expected = [torch.rand(5, generator=streams[0]), torch.rand(5, generator=streams[1]), torch.rand(5)]
        for stream, state in zip(streams, kept.streams, strict=True):
            stream.set_state(state)
        restore_globals(kept.globals, CPU, Rank())
        found = [torch.rand(5, generator=streams[0]), torch.rand(5, generator=streams[1]), torch.rand(5)]
    assert all(torch.equal(*pair) for pair in zip(expected, found, strict=True))


def test_nothing_kept_is_none():
    assert UnfinishedEpoch.of({}) is None


@dataclass(frozen=True)
class PretendRank(Rank):
    """One of two processes; the first holds 1 where the second holds 3."""

    def mean(self, values):
        return values.detach()

    def collect(self, values):
        first = values / (1, 3)[self.number]
        return torch.stack([first, 3 * first])


def test_each_process_gets_its_own_sums_back():
    for number, own in enumerate((1.0, 3.0)):
        rank = PretendRank(number, 2)
        sums = EpochSums(1, rank)
        sums.add({"cross_entropy": torch.tensor(own)}, {}, torch.tensor(own))
        state = sums.state()
        assert state["part/000/cross_entropy"].tolist() == [1.0, 3.0]
        again = EpochSums(1, rank)
        again.restore(1, state)
        assert again.row(0.1) == {"train_loss": own, "learning_rate": 0.1, "gradient_norm": own}

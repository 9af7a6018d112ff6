"""Ranks with seeded ties."""

import pytest
import torch
from scipy.stats import rankdata

from tasks.functional.ranking import descending_ranks, reversed_ranks, tie_keys

KEYS = torch.arange(6)


def test_without_ties_the_ranks_are_scipys():
    values = torch.randn(6, 40, generator=torch.Generator().manual_seed(0))
    ranks = descending_ranks(values, tie_keys(0, KEYS, "test", 40))
    assert ranks.tolist() == (rankdata(-values.numpy(), axis=1) - 1).astype(int).tolist()


def test_ties_are_broken_by_the_second_key_alone():
    values = torch.tensor([[1.0, 0.0, 1.0, 0.0]])
    assert descending_ranks(values, torch.tensor([[0.9, 0.1, 0.2, 0.8]])).tolist() == [[1, 2, 0, 3]]
    assert descending_ranks(values, torch.tensor([[0.2, 0.8, 0.9, 0.1]])).tolist() == [[0, 3, 1, 2]]


def test_a_constant_map_is_ranked_in_no_spatial_order():
    ranks = descending_ranks(torch.zeros(6, 1000), tie_keys(0, KEYS, "test", 1000)).double()
    assert (ranks.sort(1).values == torch.arange(1000)).all()
    place = torch.arange(1000.0, dtype=torch.float64)
    correlation = torch.corrcoef(torch.cat([place[None], ranks]))[0, 1:]
    assert correlation.abs().max() < 0.13


def test_a_batch_is_its_tiles_one_by_one():
    values = torch.randint(0, 4, (6, 50), generator=torch.Generator().manual_seed(1)).float()
    together = descending_ranks(values, tie_keys(3, KEYS, "test", 50))
    alone = [descending_ranks(values[i : i + 1], tie_keys(3, KEYS[i : i + 1], "test", 50)) for i in range(6)]
    assert torch.equal(together, torch.cat(alone))


@pytest.mark.parametrize(("seed", "purpose"), [(1, "test"), (0, "other")])
def test_seed_and_purpose_change_the_ties(seed, purpose):
    assert not torch.equal(tie_keys(0, KEYS, "test", 9), tie_keys(seed, KEYS, purpose, 9))


def test_absent_elements_come_last_in_either_direction_and_change_no_other_rank():
    values, keys = torch.tensor([[2.0, 5.0, 2.0]]), torch.tensor([7])
    alone = descending_ranks(values, tie_keys(0, keys, "t", 3))
    padded = torch.cat([values, torch.full((1, 2), 9.0)], dim=1)
    elements = torch.arange(5)[None] < 3
    ranks = descending_ranks(padded, tie_keys(0, keys, "t", 5), elements)
    assert torch.equal(ranks[:, :3], alone)
    assert sorted(ranks[0, 3:].tolist()) == [3, 4]
    back = reversed_ranks(ranks, elements)
    assert torch.equal(back[:, :3], reversed_ranks(alone))
    assert torch.equal(back[:, 3:], ranks[:, 3:])

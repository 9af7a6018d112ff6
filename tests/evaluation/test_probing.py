"""Equal probes are answered once, and batches never mix probes."""

from contextlib import contextmanager

import pytest
import torch

from tasks.evaluation.prepared import PreparedExplainer
from tasks.evaluation.probing import Prober
from tasks.evaluation.selection import select
from tasks.evidence.slide import SlideEvidence
from tasks.evidence.sources import EvidenceError
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness.base import Probe
from tasks.functional.passes import Passes
from tasks.functional.tile_keys import tile_keys
from tests._support.explaining import Known
from tests._support.tile_sets import make_tile_set


@pytest.fixture
def block(tmp_path):
    slide = SlideEvidence(make_tile_set(tmp_path, "s", "p", "test", 5), {}, 1, "tumour")
    rows = select(slide, ("all", None))
    keys = tile_keys(slide.sample_ids(rows))
    return TileBlock(slide, rows, torch.rand(5, 3, 16, 16), torch.ones(5, dtype=torch.int64), keys)


def steps_of(block, factor):
    return lambda steps: torch.stack([factor * s * block.images for s in range(steps.start, steps.stop)])


class Brightness(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.sizes = []

    def forward(self, images):
        self.sizes.append(len(images))
        mean = images.mean((1, 2, 3))
        return torch.stack([-mean, mean], dim=1)


def test_answers_come_by_step_and_tile(block):
    model = Brightness()
    prober = Prober(model, {}, batch=12)
    probes = [
        Probe((name,), 5, steps_of(block, factor)) for name, factor in (("a", 1.0), ("a", 9.0), ("b", 2.0))
    ]
    answers = prober.answer(block, probes)
    assert set(answers) == {("a",), ("b",)}
    expected = torch.arange(5.0)[:, None] * block.images.mean((1, 2, 3))
    torch.testing.assert_close(answers[("a",)][..., 1], expected)
    torch.testing.assert_close(answers[("b",)][..., 1], 2 * expected)
    assert model.sizes == [10, 10, 5] * 2
    assert prober.minimum == Passes(forward=50)
    assert prober.explained == 0


def test_an_explainer_that_is_not_at_hand_is_named(block):
    probe = Probe(("a",), 1, lambda steps: block.images[None], explainer="noisegrad")
    with pytest.raises(EvidenceError, match="'noisegrad' is not at hand"):
        Prober(Brightness(), {}, batch=12).answer(block, [probe])


class Scaled(Brightness):
    def __init__(self):
        super().__init__()
        self.factor = 1.0

    def forward(self, images):
        return self.factor * super().forward(images)


@contextmanager
def tripled(model):
    model.factor = 3.0
    try:
        yield
    finally:
        model.factor = 1.0


def test_a_probe_may_change_the_network_for_as_long_as_it_runs(block):
    model = Scaled()
    probes = [Probe((n,), 2, steps_of(block, 1.0), within=w) for n, w in (("a", tripled), ("b", None))]
    answers = Prober(model, {}, batch=5).answer(block, probes)
    torch.testing.assert_close(answers[("a",)], 3 * answers[("b",)])
    assert model.factor == 1.0


class Targets(Known):
    """A map of the number of the class that is explained."""

    def attribute(self, model, images, targets, tile_keys):
        return torch.full_like(images[:, 0], model.factor) * targets[:, None, None]


def test_a_probe_may_explain_another_class_on_the_network_of_its_explainer(block):
    network = Scaled()
    prober = Prober(
        Brightness(), {"e": PreparedExplainer(Targets(lambda images, _keys: images), network)}, batch=10
    )
    others = torch.arange(5)
    probe = Probe(("a",), 3, steps_of(block, 1.0), explainer="e", targets=others, within=tripled)
    plain = Probe(("b",), 1, steps_of(block, 1.0), explainer="e")
    answers = prober.answer(block, [probe, plain])
    assert answers[("a",)][:, :, 0, 0].tolist() == [[0.0, 3.0, 6.0, 9.0, 12.0]] * 3
    assert answers[("b",)][0, :, 0, 0].tolist() == [1.0] * 5


def test_a_network_for_forward_passes_answers_all_but_changed_networks(block):
    model, forward = Scaled(), Brightness()
    probes = [Probe((n,), 2, steps_of(block, 1.0), within=w) for n, w in (("a", tripled), ("b", None))]
    prober = Prober(model, {}, batch=5, forward=forward)
    answers = prober.answer(block, probes)
    torch.testing.assert_close(answers[("a",)], 3 * answers[("b",)])
    assert (sum(model.sizes), sum(forward.sizes), prober.minimum) == (10, 10, Passes(forward=20))


class BrokenOnWhite(Brightness):
    def forward(self, images):
        logits = super().forward(images)
        white = (images == 1).flatten(1).all(1)
        return torch.where(white[:, None], torch.nan, logits)


def test_logits_that_are_not_finite_are_told_with_what_was_asked(block):
    prober = Prober(BrokenOnWhite(), {}, batch=12)
    clean = Probe(("clean",), 1, steps_of(block, 1.0))
    prober.answer(block, [clean])
    prober.refuse_broken()
    white = Probe(("deletion", "white"), 1, lambda steps: torch.ones(1, *block.images.shape))
    prober.answer(block, [white, clean])
    with pytest.raises(EvidenceError, match=r"not finite on the images of the probe \('deletion', 'white'\)"):
        prober.refuse_broken()


def test_an_error_of_the_model_is_a_sentence(block):
    class Fails(torch.nn.Module):
        def forward(self, images):
            raise IndexError("none there")

    with pytest.raises(
        EvidenceError, match=r"failed on inputs of shape \[5, 3, 16, 16\] .* IndexError: none"
    ):
        Prober(Fails(), {}, batch=12).answer(block, [Probe(("a",), 1, steps_of(block, 1.0))])

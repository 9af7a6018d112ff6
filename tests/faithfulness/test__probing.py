"""Equal probes are answered once, and batches never mix probes."""

import pytest
import torch

from tasks.faithfulness._evidence import Block, EvidenceError, SlideEvidence
from tasks.faithfulness._probing import Prober
from tasks.faithfulness._selection import select
from tasks.faithfulness.base import Probe
from tasks.functional.passes import Passes
from tasks.functional.tile_keys import tile_keys
from tests._support.tile_sets import make_tile_set


@pytest.fixture
def block(tmp_path):
    slide = SlideEvidence(make_tile_set(tmp_path, "s", "p", "test", 5), {}, 1, "tumour")
    rows = select(slide, ("all", None))
    keys = tile_keys(slide.tile_ids(rows))
    return Block(slide, rows, torch.rand(5, 3, 16, 16), torch.ones(5, dtype=torch.int64), keys)


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

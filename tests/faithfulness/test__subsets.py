"""Random subsets of pixels: of the right size, independent of the company, drawn and asked about once."""

import numpy as np
import pytest
import torch

from tasks.evidence.slide import SlideEvidence
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness import _subsets
from tasks.faithfulness._subsets import packed, subset, unpacked
from tasks.faithfulness.base import AttributionBlock
from tasks.faithfulness.faithfulness_correlation import FaithfulnessCorrelation
from tasks.faithfulness.infidelity import Infidelity
from tasks.faithfulness.sensitivity_n import SensitivityN
from tasks.functional.tile_keys import tile_keys
from tests._support.linear_scoring import adds, scored, shuffled
from tests._support.tile_sets import make_tile_set

TUMOUR = 8
"""Tiles of the class among 20."""


@pytest.fixture
def tiles(tmp_path):
    return make_tile_set(tmp_path / "t", "s", "p", "test", 6)


def block_of(tiles, rows) -> TileBlock:
    slide = SlideEvidence(tiles, {}, 1, "tumour")
    images = torch.rand(len(rows), 3, 16, 16, generator=torch.Generator().manual_seed(0))
    targets = torch.ones(len(rows), dtype=torch.int64)
    return TileBlock(slide, np.array(rows), images, targets, tile_keys(slide.sample_ids(np.array(rows))))


@pytest.mark.parametrize(("size", "count"), [(0.2, 51), (0.5, 128), (1e-9, 1), (1 - 1e-9, 255)])
def test_it_has_its_size_and_is_never_empty_or_all(tiles, size, count):
    for draw in range(5):
        chosen = subset(block_of(tiles, range(6)), 0, size, draw)
        assert chosen.dtype == torch.bool
        assert chosen.sum(1).tolist() == [count] * 6


def test_every_pixel_is_as_likely_as_the_others(tiles):
    """Of 400 draws of 6 tiles a pixel is in a quarter of 2400: 600, with a deviation of 21."""
    block = block_of(tiles, range(6))
    counts = sum(subset(block, 0, 0.25, draw).sum(0) for draw in range(400))
    assert counts.sum() == 400 * 6 * 64
    assert abs(counts - 600).max() < 5 * 21.3
    assert counts.double().std().item() == pytest.approx(21.3, rel=0.2)


def test_it_depends_on_seed_tile_size_and_draw_alone(tiles):
    whole, part = block_of(tiles, range(6)), block_of(tiles, [4, 2])
    one = subset(whole, 0, 0.2, 0)
    assert torch.equal(subset(part, 0, 0.2, 0), one[[4, 2]])
    others = [subset(whole, 1, 0.2, 0), subset(whole, 0, 0.2, 1), one.roll(1, 0)]
    # Two random fifths of 256 pixels meet in about 51 x 51 / 256 = 10 of them.
    for other in others:
        assert (one & other).sum(1).double().mean().item() == pytest.approx(10.2, abs=5)
    # A larger subset of the same draw is no extension of the smaller one: sizes err independently.
    larger = subset(whole, 0, 0.8, 0)
    assert (one & larger).sum(1).double().mean().item() == pytest.approx(51 * 0.8, abs=5)


def test_it_is_drawn_once_a_block(tiles, monkeypatch):
    drawn = []
    uniform = _subsets.uniform
    monkeypatch.setattr(_subsets, "uniform", lambda *given: drawn.append(given) or uniform(*given))
    block = block_of(tiles, range(6))
    first = subset(block, 0, 0.2, 3)
    assert torch.equal(subset(block, 0, 0.2, 3), first)
    assert len(drawn) == 1
    subset(block_of(tiles, range(6)), 0, 0.2, 3)
    assert len(drawn) == 2


@pytest.mark.parametrize("count", [1, 7, 8, 9, 256])
def test_packing_loses_nothing_and_takes_a_bit_a_flag(count):
    flags = torch.rand(5, count, generator=torch.Generator().manual_seed(0)) < 0.3
    stored = packed(flags)
    assert stored.dtype == torch.uint8
    assert stored.shape == (5, (count + 7) // 8)
    assert torch.equal(unpacked(stored, count), flags)


def test_all_channels_of_a_subset_go_and_nothing_else(tiles):
    block = block_of(tiles, range(6))
    metric = FaithfulnessCorrelation(draws=4)
    _, probe = metric.probes(block, AttributionBlock("m", torch.zeros(6, 16, 16)))
    images = probe.make(slice(1, 3))
    assert images.shape == (2, 6, 3, 16, 16)
    for step, draw in enumerate((1, 2)):
        gone = subset(block, 0, 0.2, draw).view(6, 1, 16, 16).expand(-1, 3, -1, -1)
        assert (images[step][gone] == 1).all()
        assert torch.equal(images[step][~gone], block.images[~gone])


def test_metrics_and_explainers_share_the_images(tmp_path):
    """One clean image and four sizes of five draws serve three metrics and two explainers."""
    metrics = (SensitivityN(draws=5), FaithfulnessCorrelation(draws=5), Infidelity(draws=5))
    found = scored(tmp_path, {"a": adds(), "b": shuffled(adds())}, metrics)
    for (_, name), result in found.items():
        assert result.measures["plan_forward_images"] == TUMOUR * (1 + 4 * 5)
        assert result.info.passes["forward"] == TUMOUR * (21 if name == "sensitivity_n" else 6)


@pytest.mark.parametrize("other", [{"seed": 1}, {"draws": 6}, {"fraction": 0.3}, {"fill": "mean_tissue"}])
def test_metrics_of_other_settings_have_images_of_their_own(tmp_path, other):
    second = Infidelity(**{"draws": 5, **other})
    found = scored(tmp_path, {"a": adds()}, (FaithfulnessCorrelation(draws=5), second))
    expected = TUMOUR * (1 + 5 + second.draws)
    assert found["a", "infidelity"].measures["plan_forward_images"] == expected
    assert expected > TUMOUR * (1 + 5)


@pytest.mark.parametrize("wrong", [{"draws": 2}, {"seed": -1}, {"reads": "rank"}, {"fraction": 0}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        FaithfulnessCorrelation(**wrong)


def test_a_subset_holds_elements_that_exist_and_does_not_depend_on_padding():
    drawn = torch.rand(2, 10, generator=torch.Generator().manual_seed(0))
    elements = torch.arange(10)[None] < torch.tensor([[10], [4]])
    chosen = _subsets._lowest(drawn, 0.5, elements)
    assert chosen.sum(1).tolist() == [5, 2]
    assert not (chosen & ~elements).any()
    assert torch.equal(chosen[:1], _subsets._lowest(drawn[:1], 0.5, None))
    assert torch.equal(chosen[1:, :4], _subsets._lowest(drawn[1:, :4], 0.5, None))

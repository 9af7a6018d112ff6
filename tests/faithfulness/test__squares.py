"""The squares of a tile: a partition, removed one at a time, asked about once."""

import numpy as np
import pytest
import torch

from tasks.evidence.slide import SlideEvidence
from tasks.evidence.sources import EvidenceError
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._squares import square_sums
from tasks.faithfulness.base import AttributionBlock, Probe
from tasks.faithfulness.faithfulness_estimate import FaithfulnessEstimate
from tasks.faithfulness.non_sensitivity import NonSensitivity
from tasks.functional.tile_keys import tile_keys
from tests._support.linear_scoring import adds, scored, shuffled
from tests._support.tile_sets import make_tile_set

TUMOUR = 8


def block_of(folder, height: int, width: int) -> TileBlock:
    tiles = make_tile_set(folder / "t", "s", "p", "test", 3)
    slide, rows = SlideEvidence(tiles, {}, 1, "tumour"), np.arange(3)
    images = torch.rand(3, 3, height, width, generator=torch.Generator().manual_seed(0))
    return TileBlock(slide, rows, images, torch.ones(3, dtype=torch.int64), tile_keys(slide.sample_ids(rows)))


def without_a_square(block: TileBlock, squares: int) -> Probe:
    maps = torch.zeros_like(block.images[:, 0])
    _, probe = FaithfulnessEstimate(squares=squares).probes(block, AttributionBlock("m", maps))
    return probe


@pytest.mark.parametrize(("height", "width", "squares"), [(16, 16, 8), (16, 16, 16), (17, 22, 5), (4, 4, 2)])
def test_every_pixel_goes_once_with_all_its_channels(tmp_path, height, width, squares):
    block = block_of(tmp_path, height, width)
    probe = without_a_square(block, squares)
    images = torch.cat([probe.make(slice(0, 3)), probe.make(slice(3, probe.count))])
    gone = images != block.images
    assert images.shape == (squares**2, 3, 3, height, width)
    assert (images[gone] == 1).all()
    assert (gone.sum(0) == 1).all()
    sizes = gone[:, 0, 0].flatten(1).sum(1)
    assert sizes.min() >= (height // squares) * (width // squares)
    assert sizes.max() <= -(-height // squares) * -(-width // squares)


@pytest.mark.parametrize(("height", "width", "squares"), [(16, 16, 8), (17, 22, 5)])
def test_a_sum_is_that_of_the_pixels_which_go(tmp_path, height, width, squares):
    block = block_of(tmp_path, height, width)
    probe = without_a_square(block, squares)
    gone = (probe.make(slice(0, probe.count)) != block.images)[:, :, 0]
    values = torch.randn(3, height, width, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(square_sums(values, squares), (gone * values.double()).sum((2, 3)))


def test_a_tile_of_fewer_pixels_is_refused(tmp_path):
    with pytest.raises(EvidenceError, match="16 x 16 px cannot be cut into 17 squares a side"):
        scored(tmp_path, {"m": adds()}, [FaithfulnessEstimate(squares=17)])


def test_metrics_and_explainers_share_the_images(tmp_path):
    metrics = (FaithfulnessEstimate(squares=4), NonSensitivity(squares=4))
    found = scored(tmp_path, {"a": adds(), "b": shuffled(adds())}, metrics)
    for result in found.values():
        assert result.info.passes["forward"] == TUMOUR * 17
        assert result.measures["plan_forward_images"] == TUMOUR * 17


@pytest.mark.parametrize("other", [{"squares": 5}, {"squares": 4, "fill": "blur"}])
def test_metrics_of_other_settings_have_images_of_their_own(tmp_path, other):
    second = NonSensitivity(**other)
    found = scored(tmp_path, {"a": adds()}, [FaithfulnessEstimate(squares=4), second])
    expected = TUMOUR * (1 + 16 + second.squares**2)
    assert found["a", "non_sensitivity"].measures["plan_forward_images"] == expected

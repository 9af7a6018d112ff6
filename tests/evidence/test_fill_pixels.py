"""Removed pixels are filled or imputed; what fills them is part of the key."""

import numpy as np
import pytest
import torch

from tasks.evidence.fill_pixels import FillPixels, ImputePixels, solved
from tasks.evidence.slide import SlideEvidence
from tasks.evidence.tile_block import TileBlock
from tests._support.tile_sets import make_tile_set


@pytest.fixture
def block(tmp_path) -> TileBlock:
    tiles = make_tile_set(tmp_path, "s", "p", "test", 3)
    return TileBlock.of(SlideEvidence(tiles, {}, 1, "tumour"), np.arange(3), torch.device("cpu"))


def some(block: TileBlock) -> torch.Tensor:
    return torch.rand(2, 3, block.element_count, generator=torch.Generator().manual_seed(0)) < 0.4


@pytest.mark.parametrize("fill", ["white", "mean_tissue", "blur"])
def test_removed_pixels_hold_the_fill_and_the_others_their_colour(block, fill):
    remover, removed = FillPixels(fill, 2.0), some(block)
    images = remover.without(block, removed)
    gone = removed.view(2, 3, 1, 16, 16).expand_as(images)
    assert torch.equal(images[gone], remover.without_all(block).expand_as(images)[gone])
    assert torch.equal(images[~gone], block.images.expand_as(images)[~gone])


def test_one_mask_serves_all_tiles(block):
    removed = some(block)[:, :1]
    assert torch.equal(
        FillPixels("white", 2.0).without(block, removed),
        FillPixels("white", 2.0).without(block, removed.expand(-1, 3, -1)),
    )


def test_imputed_pixels_have_the_noise_of_their_draw(block):
    removed = some(block)
    plain, gone = solved(block, removed)
    noisy = ImputePixels(0.1, seed=0).without(block, removed)
    where = gone.expand_as(plain)
    assert torch.equal(noisy[~where], plain[~where])
    assert (noisy - plain)[where].std().item() == pytest.approx(0.1, rel=0.1)
    assert not torch.equal(ImputePixels(0.1, seed=0, draw=1).without(block, removed), noisy)
    assert torch.equal(ImputePixels(0.0, seed=0).without(block, removed), plain)
    assert ImputePixels(0.1, 0).key() != ImputePixels(0.1, 1).key()


def test_a_tile_without_any_pixel_has_the_colour_of_tissue(block):
    images = ImputePixels(0.0, seed=0).without_all(block)
    assert torch.allclose(images[0, :, 3, 5].double(), torch.from_numpy(block.slide.tissue_colour))

"""Whole pixels go."""

import numpy as np
import torch

from tasks.evaluation.selection import select
from tasks.evidence.fill_pixels import FillPixels
from tasks.evidence.slide import SlideEvidence
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._removal import clean_probe
from tasks.functional.tile_keys import tile_keys
from tests._support.tile_sets import make_tile_set


def test_all_channels_of_a_pixel_go_at_once_in_the_order_of_their_ranks(tmp_path):
    tiles = make_tile_set(tmp_path, "s", "p", "test", 4)
    slide = SlideEvidence(tiles, {}, 1, "tumour")
    rows = select(slide, ("all", None))
    images = torch.rand(4, 3, 16, 16)
    block = TileBlock(
        slide, rows, images, torch.ones(4, dtype=torch.int64), tile_keys(slide.sample_ids(rows))
    )
    ranks = torch.stack([torch.randperm(256) for _ in range(4)])
    counts = torch.tensor([0, 1, 100, 256])
    block.kept["fill", "white", None] = torch.full_like(images, 2.0)
    found = FillPixels("white", 1.0).without(block, ranks < counts[:, None, None])
    gone = found == 2.0
    assert (gone.all(2) == gone.any(2)).all()
    assert gone[:, :, 0].flatten(2).sum(2).tolist() == [[n] * 4 for n in counts.tolist()]
    assert torch.equal(gone[2, :, 0].flatten(1), ranks < 100)
    assert torch.equal(found[0], images)
    assert torch.equal(clean_probe(block).make(slice(0, 1))[0], images)
    assert np.array_equal(rows, np.arange(4))


def test_a_fill_is_made_once_a_block_and_its_width_matters_to_the_blur_alone(tmp_path):
    slide = SlideEvidence(make_tile_set(tmp_path, "s", "p", "test", 4), {}, 1, "tumour")
    rows = select(slide, ("all", None))
    images, classes = torch.rand(4, 3, 16, 16), torch.ones(4, dtype=torch.int64)
    block = TileBlock(slide, rows, images, classes, tile_keys(slide.sample_ids(rows)))
    assert FillPixels("blur", 2.0).without_all(block) is FillPixels("blur", 2.0).without_all(block)
    assert not torch.equal(
        FillPixels("blur", 2.0).without_all(block), FillPixels("blur", 3.0).without_all(block)
    )
    assert FillPixels("white", 2.0).without_all(block) is FillPixels("white", 3.0).without_all(block)
    assert (FillPixels("white", 2.0).without_all(block) == 1).all()
    assert FillPixels("blur", 2.0).key() != FillPixels("blur", 3.0).key()
    assert FillPixels("white", 2.0).key() == FillPixels("white", 3.0).key()

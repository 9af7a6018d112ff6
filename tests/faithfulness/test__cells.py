"""Tiles put together on the glass."""

import numpy as np
import pandas as pd
import pytest

from tasks.evidence.slide import SlideEvidence
from tasks.faithfulness._cells import CellMask, section_cells
from tests._support.attribution_sets import write_maps
from tests._support.tile_sets import make_tile_set


def slide_of(folder, maps, places=None, count=2):
    tiles = make_tile_set(folder / "tiles", "s", "p", "test", count)
    if places is not None:
        table = pd.read_parquet(folder / "tiles" / "tiles.parquet")
        table[["x_level0", "y_level0"]] = np.array(places, dtype=float)
        table.to_parquet(folder / "tiles" / "tiles.parquet", index=False)
    return SlideEvidence(tiles, {"m": write_maps(folder / "m", tiles, maps)}, 1, "tumour")


def seen(slide):
    return (lambda rows: slide.maps("m", rows),), slide


def test_a_cell_holds_the_mean_of_its_pixels(tmp_path):
    """Two tiles of 16 um side by side in cells of 8 um: the block means of the 16 x 32 mosaic."""
    maps = np.random.default_rng(0).normal(size=(2, 16, 16)).astype(np.float32)
    cells = section_cells(*seen(slide_of(tmp_path, maps)), np.arange(2), CellMask("annotation", "rest", 8.0))
    mosaic = np.concatenate([maps[0], maps[1]], axis=1)
    expected = mosaic.reshape(2, 8, 4, 8).mean(axis=(1, 3))
    assert cells.values[0] == pytest.approx(expected.ravel(), abs=1e-6)
    assert cells.tissue_fraction.tolist() == [1.0] * 8
    assert cells.mask_fraction.tolist() == [0.0] * 8


def test_overlapping_tiles_are_averaged(tmp_path):
    """The second tile lies 16 level-0 pixels (8 um, half a tile) to the right of the first."""
    maps = np.stack([np.full((16, 16), 1.0), np.full((16, 16), 3.0)])
    slide = slide_of(tmp_path, maps, [(100, 40), (116, 40)])
    cells = section_cells(*seen(slide), np.arange(2), CellMask("annotation", "rest", 8.0))
    assert cells.values[0].tolist() == [1.0, 2.0, 3.0] * 2


def test_tiles_keep_their_distance(tmp_path):
    maps = np.stack([np.full((16, 16), 1.0), np.full((16, 16), 3.0)])
    slide = slide_of(tmp_path, maps, [(0.0, 0.0), (64.0, 320.0)])
    cells = section_cells(*seen(slide), np.arange(2), CellMask("annotation", "rest", 16.0))
    assert cells.values[0].tolist() == [1.0, 3.0]


def test_shares_of_tissue_and_mask(tmp_path):
    slide = slide_of(tmp_path, np.zeros((5, 16, 16)), count=5)
    tissue = np.ones((5, 16, 16), np.uint8)
    tissue[:, :4] = 0
    np.save(tmp_path / "tiles" / "tissue_mask.npy", tissue)
    cells = section_cells(*seen(slide), np.arange(5), CellMask("annotation", "rest", 16.0))
    assert cells.tissue_fraction.tolist() == [0.75] * 5
    assert cells.mask_fraction.tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]

"""Painting: seams, missing tiles and the end of a level, by hand and beside an independent painter."""

import numpy as np
import pytest

from tasks.slides.direct.decode import TileError
from tasks.slides.direct.layout import DirectLevel, FileArray
from tasks.slides.direct.paint import Region, paint, tiles_of

NOWHERE = FileArray(offset=0, count=0, dtype="<u4")


def level_of(width, height, side=4):
    return DirectLevel(
        width=width, height=height, downsample=1.0, tile_width=side, tile_height=side,
        across=-(-width // side), codec="none", ycbcr=False, predictor=False,
        offsets=NOWHERE, byte_counts=NOWHERE, tables=None,
    )  # fmt: skip


def cut(picture, level):
    """Return the source tiles of a picture, filled up with 7 beyond its end."""
    side, whole = level.tile_width, {}
    for index in range(level.across * -(-level.height // side)):
        x, y = index % level.across * side, index // level.across * side
        tile = np.full((side, side, 3), 7, np.uint8)
        part = picture[y : y + side, x : x + side]
        tile[: part.shape[0], : part.shape[1]] = part
        whole[index] = tile
    return whole


def painted(level, tiles, region):
    out = np.empty((region.height, region.width, 3), np.uint8)
    paint(level, {index: tiles[index] for index in tiles_of(level, region)}, region, out)
    return out


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (10, 13, 3), dtype=np.uint8)


@pytest.mark.parametrize("region", [Region(0, 0, 13, 10), Region(3, 2, 6, 5), Region(2.001, 1, 4, 4)])
def test_whole_pixels_are_copied(picture, region):
    level = level_of(13, 10)
    x, y = round(region.x), round(region.y)
    expected = picture[y : y + region.height, x : x + region.width]
    np.testing.assert_array_equal(painted(level, cut(picture, level), region), expected)


@pytest.mark.parametrize("region", [Region(10, 7, 6, 6), Region(20, 3, 2, 2), Region(5, 30, 2, 2)])
def test_beyond_the_level_is_white_and_the_filling_of_a_tile_is_not_shown(picture, region):
    level, canvas = level_of(13, 10), np.full((40, 40, 3), 255, np.uint8)
    canvas[:10, :13] = picture
    expected = canvas[region.y : region.y + region.height, region.x : region.x + region.width]
    np.testing.assert_array_equal(painted(level, cut(picture, level), region), expected)


def test_a_missing_tile_is_white(picture):
    level = level_of(13, 10)
    tiles = cut(picture, level) | {1: None}
    shown = painted(level, tiles, Region(0, 0, 13, 10))
    assert (shown[:4, 4:8] == 255).all()
    np.testing.assert_array_equal(shown[4:], picture[4:])


@pytest.mark.parametrize("shift", [(0.5, 0.0), (0.25, 0.75), (0.003, 0.4), (0.996, 0.01)])
def test_between_pixels_it_is_linear_but_for_the_rounding(picture, shift):
    level, (right, below) = level_of(13, 10), shift
    shown = painted(level, cut(picture, level), Region(2 + right, 1 + below, 8, 7)).astype(float)
    part = picture[1:9, 2:11].astype(float)
    rows = part[:-1] * (1 - below) + part[1:] * below
    expected = rows[:, :-1] * (1 - right) + rows[:, 1:] * right
    within = np.ones(shown.shape[:2], np.bool_)
    within[[2, 6]], within[:, [1, 5]] = False, False  # the seams, where each tile is rounded
    assert np.abs(shown - expected)[within].max() <= 1.0
    assert np.abs(shown - expected).max() <= 3.0


def test_only_the_tiles_of_a_region_are_asked_for():
    level = level_of(13, 10)
    assert tiles_of(level, Region(0, 0, 4, 4)) == [0]
    assert tiles_of(level, Region(0.5, 0, 3, 4)) == [0, 4]
    assert tiles_of(level, Region(4, 4, 5, 4)) == [5, 6]
    assert tiles_of(level, Region(13, 0, 5, 4)) == []
    assert tiles_of(level, Region(3.9995, 0, 4, 4)) == [1]


def test_a_damaged_tile_is_an_error_where_it_is_shown(picture):
    level = level_of(13, 10)
    tiles = cut(picture, level) | {5: TileError("broken")}
    with pytest.raises(TileError, match="broken"):
        painted(level, tiles, Region(3, 3, 4, 4))
    with pytest.raises(TileError, match="broken"):
        painted(level, tiles, Region(3.5, 3.5, 4, 4))
    painted(level, tiles, Region(8, 0, 4, 4))

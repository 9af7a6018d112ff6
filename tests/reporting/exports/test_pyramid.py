"""Pyramids from stripes are those of whole planes."""

import numpy as np
import pytest

from tasks.reporting.exports.pyramid import TILE, Pyramid, PyramidShape
from tests._support.whole_pyramid import whole_pyramid


def plane_of(height: int, width: int) -> np.ndarray:
    """Signed noise of which a third is missing."""
    generator = np.random.default_rng(height * width)
    plane = generator.normal(size=(height, width)).astype(np.float32)
    return np.where(generator.random(plane.shape) < 1 / 3, np.nan, plane)


def joined(squares, height: int, width: int) -> np.ndarray:
    """Return [height, width] of squares in reading order."""
    whole = np.full((height, width), np.nan, np.float32)
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            square = next(squares)
            assert square.shape == (TILE, TILE)
            here = whole[top : top + TILE, left : left + TILE]
            here[:] = square[: here.shape[0], : here.shape[1]]
    return whole


def test_levels_halve_exactly_down_to_one_that_is_small():
    assert PyramidShape(1100, 601).levels == ((1100, 604), (550, 302), (275, 151))
    assert [len(PyramidShape(side, side).levels) for side in (1, 512, 513)] == [1, 1, 2]


@pytest.mark.parametrize(("height", "width"), [(300, 200), (1100, 601), (601, 2100), (1024, 512)])
def test_every_level_of_every_plane_is_that_of_the_whole_plane(tmp_path, height, width):
    shape = PyramidShape(height, width)
    planes = np.stack([plane_of(height, width), -plane_of(height, width)])
    right = whole_pyramid(planes)
    assert [level.shape[1:] for level in right] == list(shape.levels)
    with Pyramid(shape, tmp_path) as pyramid:
        for number, plane in enumerate(planes):
            stripes = (plane[start : start + shape.stripe] for start in range(0, height, shape.stripe))
            found = joined(pyramid.finest(stripes), *shape.levels[0])
            np.testing.assert_array_equal(found, right[0][number])
        for level, sizes in enumerate(shape.levels[1:], start=1):
            squares = pyramid.coarser(level)
            for number in range(len(planes)):
                np.testing.assert_array_equal(joined(squares, *sizes), right[level][number])
    assert list(tmp_path.iterdir()) == []


def test_a_coarser_pixel_is_the_mean_of_its_finite_ones(tmp_path):
    plane = np.full((1024, 1024), np.nan, np.float32)
    plane[:2, :2] = [[1.0, np.nan], [3.0, 8.0]]
    plane[0, 2] = -5.0
    shape = PyramidShape(1024, 1024)
    with Pyramid(shape, tmp_path) as pyramid:
        for _ in pyramid.finest(np.split(plane, 4)):
            pass
        coarse = joined(pyramid.coarser(1), 512, 512)
    np.testing.assert_array_equal(coarse[0, :3], [4.0, -5.0, np.nan])
    assert np.isfinite(coarse).sum() == 2

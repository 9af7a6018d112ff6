"""The affine contract, measured: marks at known level-0 positions are found where the geometry says."""

import numpy as np
import pytest

from tasks.slides.level_region import LevelRegion
from tasks.slides.reader import open_slide
from tests._support.slide_files import write_slide

WIDTH, HEIGHT, MPP = 2011, 1523, 0.5
MARKS = [(83.3, 71.9), (1005.5, 300.2), (1960.6, 64.4), (402.7, 1101.1), (1210.0, 803.5), (1955.2, 1470.8)]
SPREAD = 9.0
LEVELS = ((670, 508), (379, 287), (126, 95))
"""Level sizes that make the downsamples 3.0, 5.3 and 16.0: none is an integer, no two axes agree."""


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    dark = sum(np.exp(-((x - mx) ** 2 + (y - my) ** 2) / (2 * SPREAD**2)) for mx, my in MARKS)
    level0 = np.repeat((255 - 220 * np.clip(dark, 0, 1)).astype(np.uint8)[..., None], 3, axis=2)
    path = write_slide(tmp_path_factory.mktemp("fiducials") / "marks.tiff", level0, LEVELS, MPP)
    with open_slide(path, None, thumbnail_px=733) as reader:
        yield reader


def centre_of_mark(pixels):
    """Return the centre of darkness, x and y, in pixels from the corner."""
    dark = 255 - pixels[..., 0].astype(float)
    dark[dark < 5] = 0
    y, x = np.mgrid[: dark.shape[0], : dark.shape[1]] + 0.5
    return np.array([(x * dark).sum(), (y * dark).sum()]) / dark.sum()


def around(position, half):
    """Return the window of a picture around a position and the window's corner."""
    left, top = (max(0, int(value - half)) for value in position)
    return slice(top, int(position[1] + half)), slice(left, int(position[0] + half)), (left, top)


def test_the_slide_is_as_hard_as_it_should_be(slide):
    downsamples = slide.geometry.level_downsamples
    assert len(downsamples) == 4
    assert all(abs(value - round(value)) > 1e-4 for value in downsamples[1:])


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("mpp", [0.5, 0.63, 0.972, 1.5, 2.0, 2.7, 4.1])
def test_a_mark_lies_in_its_tile_where_the_geometry_says(slide, mark, mpp):
    extent = 120.0 / slide.geometry.mpp * 0.5
    x, y = mark[0] - 0.43 * extent, mark[1] - 0.52 * extent
    out_px = round(extent * slide.geometry.mpp / mpp)
    expected = (np.array(mark) - (x, y)) * out_px / extent
    found = centre_of_mark(slide.read(x, y, extent, out_px))
    # One downsample for both axes leaves up to half a level pixel; level 0 has no such error.
    assert np.abs(found - expected).max() < (0.06 if mpp < 1.5 else 0.5)


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_lies_on_the_thumbnail_where_the_geometry_says(slide, mark):
    expected = np.array(slide.geometry.level0_to_thumbnail(*mark))
    rows, columns, corner = around(expected, 16)
    found = centre_of_mark(slide.thumbnail()[rows, columns]) + corner
    assert np.abs(found - expected).max() < 0.15


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_a_mark_lies_on_every_level_where_the_geometry_says(slide, mark, level):
    width, height = slide.choice.facts.level_sizes[level]
    picture = slide._region(LevelRegion(0, 0, level, width, height))
    expected = np.array(slide.geometry.level0_to_level(*mark, level))
    rows, columns, corner = around(expected, 50 / slide.geometry.level_downsamples[level])
    found = centre_of_mark(picture[rows, columns]) + corner
    assert np.abs(found - expected).max() < 0.5


@pytest.mark.parametrize("mpp", [0.5, 3.3, 8.0])
def test_an_overview_shows_a_mark_at_its_real_downsample(slide, mpp):
    overview = slide.overview(mpp)
    for mark in MARKS:
        expected = np.array(mark) / (overview.downsample_x, overview.downsample_y)
        rows, columns, corner = around(expected, 50 / overview.downsample_x)
        found = centre_of_mark(overview.pixels[rows, columns]) + corner
        assert np.abs(found - expected).max() < 0.5


def test_tiles_side_by_side_are_one_picture(slide):
    extent, out_px = 100 * 1.37, 50
    whole = slide.read(301.3, 207.8, 2 * extent, 2 * out_px).astype(int)
    parts = [
        [slide.read(301.3 + i * extent, 207.8 + j * extent, extent, out_px) for i in (0, 1)] for j in (0, 1)
    ]
    stitched = np.concatenate([np.concatenate(row, axis=1) for row in parts], axis=0)
    assert np.abs(stitched.astype(int) - whole).max() <= 1

"""Squares of a slide at steps of two: they cover it, and have its pixels."""

import numpy as np
import pytest

from tasks.phantoms.files import write_pyramid
from tasks.slides.deep_zoom import DeepZoom, read_square
from tasks.slides.reader import open_slide


@pytest.mark.parametrize("size", [(1000, 600), (1024, 1024), (513, 2), (1, 1)])
def test_the_squares_of_each_level_cover_it_exactly(size):
    zoom = DeepZoom(*size, tile=64)
    assert zoom.downsample(zoom.last) == 1
    assert zoom.downsample(0) >= max(size)
    for level in range(zoom.last + 1):
        across, down = zoom.counts(level)
        sizes = [[zoom.size(level, x, y) for x in range(across)] for y in range(down)]
        d = zoom.downsample(level)
        assert sum(width for width, _ in sizes[0]) == -(-size[0] // d)
        assert sum(row[0][1] for row in sizes) == -(-size[1] // d)
        assert zoom.holds(level, across - 1, down - 1)
        assert not zoom.holds(level, across, 0)
    assert not zoom.holds(-1, 0, 0)
    assert not zoom.holds(zoom.last + 1, 0, 0)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A slide whose left half is dark: 800 x 600 px, levels of 800 and 400 px."""
    pixels = np.full((600, 800, 3), 240, np.uint8)
    pixels[:, :400] = 40
    path = tmp_path_factory.mktemp("slide") / "slide.tiff"
    write_pyramid(path, pixels, mpp=1.0, quality=95)
    return path


def test_a_square_shows_its_part_of_the_slide(path):
    with open_slide(path, None) as slide:
        zoom = DeepZoom(800, 600, tile=256)
        finest = read_square(slide, zoom, zoom.last, 1, 2)
        assert finest.shape == (88, 256, 3)
        assert abs(finest[:, :140].mean() - 40) < 2
        assert abs(finest[:, 148:].mean() - 240) < 2
        half = read_square(slide, zoom, zoom.last - 1, 1, 0)
        assert half.shape == (256, 144, 3)
        assert abs(half.mean() - 240) < 2


def test_levels_that_the_file_cannot_give_cheaply_are_left_out(path):
    with open_slide(path, None) as slide:
        zoom, geometry = DeepZoom(800, 600), slide.geometry
        # Its coarsest level is 2 times smaller, and one pixel may take four of it on a side.
        assert geometry.level_downsamples == (1.0, 2.0)
        assert zoom.downsample(zoom.first(geometry)) == 8
        alone = geometry.model_copy(update={"level_downsamples": (1.0,)})
        assert zoom.downsample(zoom.first(alone)) == 4

import numpy as np
import pytest
from PIL import Image

from tasks.slides.pixels import Window, read_window
from tests._support.geometries import geometry_of
from tests._support.slide_files import noise


class Pyramid:
    """A slide in memory that keeps what it was asked."""

    def __init__(self, level0, downsamples=(1,)):
        height, width = level0.shape[:2]
        base = Image.fromarray(level0)
        self.levels = [base.resize((width // d, height // d), Image.Resampling.BOX) for d in downsamples]
        self.downsamples = downsamples
        self.asked = []

    def region(self, wanted):
        self.asked.append(((wanted.x, wanted.y), wanted.level, (wanted.width, wanted.height)))
        left, top = (value // self.downsamples[wanted.level] for value in (wanted.x, wanted.y))
        level = np.asarray(self.levels[wanted.level])
        region = np.full((wanted.height, wanted.width, 3), 255, np.uint8)
        inside = level[top : top + wanted.height, left : left + wanted.width]
        region[: len(inside), : inside.shape[1]] = inside
        return region

    @property
    def geometry(self):
        width, height = self.levels[0].size
        return geometry_of(width, height, downsamples=tuple(map(float, self.downsamples)))

    def read(self, x, y, width, height, size):
        return read_window(self, self.geometry, Window(x, y, width, height), size)


@pytest.fixture
def pixels():
    return noise(320, 240)


def test_pixels_of_the_asked_size_are_copied_byte_for_byte(pixels):
    tile = Pyramid(pixels).read(17, 33, 64, 48, (64, 48))
    assert tile.dtype == np.uint8
    np.testing.assert_array_equal(tile, pixels[33:81, 17:81])


def test_float_noise_in_the_position_still_copies(pixels):
    tile = Pyramid(pixels).read(17 + 1e-9, 33 - 1e-9, 64 + 1e-9, 64 - 1e-9, (64, 64))
    np.testing.assert_array_equal(tile, pixels[33:97, 17:81])


def test_a_coarser_level_is_copied_byte_for_byte_and_level_0_is_left_alone(pixels):
    slide = Pyramid(pixels, (1, 2, 4))
    tile = slide.read(40, 20, 128, 128, (32, 32))
    np.testing.assert_array_equal(tile, np.asarray(slide.levels[2])[5:37, 10:42, :3])
    assert [(level, size) for _, level, size in slide.asked] == [(2, (32, 32))]


@pytest.mark.parametrize(("scale", "level"), [(1.0, 0), (1.7, 0), (2.0, 1), (3.5, 1), (4.0, 2), (4.6, 2)])
def test_no_more_is_read_than_the_asked_detail_needs(pixels, scale, level):
    slide = Pyramid(pixels, (1, 2, 4))
    slide.read(20.3, 20.3, 32 * scale, 32 * scale, (32, 32))
    ((_, used, size),) = slide.asked
    assert used == level
    reach = 2 * (3 * max(1, scale / 2**level) + 2) + 1
    assert max(size) <= 32 * scale / 2**level + reach


@pytest.mark.parametrize("scale", [1.13, 1.944, 3.0])
def test_resampling_agrees_with_pillow_on_the_whole_picture(pixels, scale):
    whole = Image.fromarray(pixels)
    box = (31.4, 22.7, 31.4 + 50 * scale, 22.7 + 40 * scale)
    expected = np.asarray(whole.resize((50, 40), Image.Resampling.LANCZOS, box=box)).astype(int)
    tile = Pyramid(pixels).read(31.4, 22.7, 50 * scale, 40 * scale, (50, 40))
    assert np.abs(tile - expected).max() <= 1


@pytest.mark.parametrize("shift", [0.25, 0.5, 0.9])
def test_the_fraction_of_a_pixel_in_the_origin_is_honoured(shift):
    ramp = np.repeat(np.tile(np.arange(0, 240, 4, dtype=np.uint8), (50, 1))[..., None], 3, axis=2)
    tile = Pyramid(ramp).read(12 + shift, 10, 32, 32, (32, 32)).astype(float)
    np.testing.assert_allclose(tile[16, :, 0], 4 * (np.arange(12, 44) + shift), atol=0.7)


@pytest.mark.parametrize(
    ("x", "y"), [(-20, 10), (10, -20), (-20.5, -20.5), (300, 10), (10, 225), (301.5, 222.5)]
)
def test_what_lies_outside_the_slide_is_white(x, y):
    black = np.zeros((240, 320, 3), dtype=np.uint8)
    tile = Pyramid(black).read(x, y, 64, 64, (64, 64))
    rows, columns = np.arange(64) + 0.5 + y, np.arange(64) + 0.5 + x
    inside = np.outer((rows > 4) & (rows < 236), (columns > 4) & (columns < 316))
    outside = ~np.outer((rows > -4) & (rows < 244), (columns > -4) & (columns < 324))
    assert (tile[outside] == 255).all()
    assert outside.any()
    assert (tile[inside] == 0).all()


def test_a_window_wholly_outside_is_white(pixels):
    for x in (-500.5, 1000):
        assert (Pyramid(pixels).read(x, 0, 64, 64, (40, 40)) == 255).all()


def test_no_negative_place_is_asked_for(pixels):
    slide = Pyramid(pixels, (1, 2))
    slide.read(-7.7, -3.1, 100, 100, (37, 37))
    assert all(min(location) >= 0 for location, _, _ in slide.asked)

import numpy as np
import pytest
from PIL import Image

from tasks.slides import overview
from tasks.slides.errors import SlideError
from tasks.slides.overview import read_overview
from tests._support.slide_files import noise


def reader(level0, damaged=None):
    """Return a function that reads windows of an array and fails where they touch ``damaged``."""
    picture = Image.fromarray(level0)

    def read(window, size):
        right, lower = window.x + window.width, window.y + window.height
        if (
            damaged
            and window.x < damaged[2]
            and right > damaged[0]
            and window.y < damaged[3]
            and lower > damaged[1]
        ):
            raise SlideError("that place is damaged")
        return np.asarray(picture.resize(size, Image.Resampling.BOX, box=(window.x, window.y, right, lower)))

    return read


def test_blocks_join_to_the_picture_that_one_read_gives(monkeypatch):
    level0 = noise(640, 480)
    whole = np.asarray(Image.fromarray(level0).resize((160, 120), Image.Resampling.BOX))
    monkeypatch.setattr(overview, "_BLOCK_LEVEL0", 100)
    made = read_overview(reader(level0), (640, 480), (160, 120))
    np.testing.assert_array_equal(made.pixels, whole)
    assert made.readable.all()
    assert (made.downsample_x, made.downsample_y, made.reason) == (4.0, 4.0, "")


def test_a_damaged_place_is_narrowed_down_and_stays_white():
    level0 = np.zeros((480, 640, 3), dtype=np.uint8)
    made = read_overview(reader(level0, (200, 200, 240, 240)), (640, 480), (160, 120))
    assert not made.readable[50:60, 50:60].any()
    assert (~made.readable).sum() <= 36 * 36
    assert (made.pixels[~made.readable] == 255).all()
    assert (made.pixels[made.readable] == 0).all()
    assert made.reason == "that place is damaged"


def test_patience_ends_where_everything_is_damaged(monkeypatch):
    asked = []
    monkeypatch.setattr(overview, "_PATIENCE", 10)

    def read(window, size):
        asked.append(window)
        raise SlideError("damaged")

    made = read_overview(read, (8192, 8192), (8192, 8192))
    assert not made.readable.any()
    assert len(asked) < 50


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (160, 120)])
def test_where_nothing_can_be_read_it_ends_and_says_so(size):
    made = read_overview(reader(noise(640, 480), (0, 0, 640, 480)), (640, 480), size)
    assert not made.readable.any()
    assert made.pixels.shape == (size[1], size[0], 3)

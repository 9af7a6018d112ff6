import numpy as np
import pytest
from PIL import Image

from tasks.slides.area import average_area
from tests._support.slide_files import noise


def by_hand(pixels, box, size):
    """Return the mean of every area, one pixel after the other, in exact arithmetic."""
    left, top, right, bottom = box
    out = np.zeros((size[1], size[0], 3))
    for j in range(size[1]):
        rows = np.array([top + (bottom - top) * n / size[1] for n in (j, j + 1)])
        high = np.minimum(np.arange(len(pixels)) + 1, rows[1]) - np.maximum(np.arange(len(pixels)), rows[0])
        for i in range(size[0]):
            columns = [left + (right - left) * n / size[0] for n in (i, i + 1)]
            own = np.arange(pixels.shape[1])
            wide = np.minimum(own + 1, columns[1]) - np.maximum(own, columns[0])
            weights = np.outer(high.clip(0), wide.clip(0))
            out[j, i] = (pixels * weights[..., None]).sum(axis=(0, 1)) / weights.sum()
    return out


@pytest.mark.parametrize(
    ("box", "size"),
    [
        ((1.0, 2.0, 25.0, 22.0), (12, 10)),  # whole blocks
        ((0.0, 0.0, 30.0, 30.0), (10, 30)),  # whole blocks, of another size along each axis
        ((1.3, 2.7, 24.3, 21.9), (16, 13)),
        ((0.25, 0.25, 9.5, 9.5), (32, 32)),  # enlarged
        ((3.5, 3.5, 27.5, 27.5), (12, 12)),  # whole ratio between pixels
    ],
)
def test_a_pixel_is_the_mean_of_what_it_covers(box, size):
    pixels = noise(30, 30)
    means = average_area(pixels, box, size)
    assert means.shape == (size[1], size[0], 3)
    assert np.abs(means - by_hand(pixels.astype(float), box, size)).max() <= 0.501


@pytest.mark.parametrize("ratio", [2, 3, 4, 7])
def test_whole_ratios_are_exact_and_halves_go_up(ratio):
    pixels = noise(ratio * 20, ratio * 20)
    blocks = pixels.reshape(20, ratio, 20, ratio, 3).astype(np.int64).sum(axis=(1, 3))
    exact = (2 * blocks + ratio**2) // (2 * ratio**2)
    side = float(ratio * 20)
    np.testing.assert_array_equal(average_area(pixels, (0.0, 0.0, side, side), (20, 20)), exact)


def test_it_is_the_mean_of_the_picture_and_lanczos_is_near():
    smooth = np.asarray(Image.fromarray(noise(20, 20)).resize((300, 300), Image.Resampling.BICUBIC))
    box = (10.4, 20.2, 250.4, 260.2)
    means = average_area(smooth, box, (160, 160)).astype(float)
    lanczos = np.asarray(Image.fromarray(smooth).resize((160, 160), Image.Resampling.LANCZOS, box=box))
    assert abs(means.mean() - lanczos.mean()) < 0.1
    assert np.abs(means - lanczos).mean() < 1.0


@pytest.mark.parametrize("value", [0, 1, 127, 254, 255])
def test_one_colour_stays_that_colour(value):
    flat = np.full((50, 50, 3), value, np.uint8)
    for box, size in (((1.3, 1.3, 40.9, 40.9), (29, 29)), ((0.0, 0.0, 50.0, 50.0), (25, 25))):
        assert (average_area(flat, box, size) == value).all()

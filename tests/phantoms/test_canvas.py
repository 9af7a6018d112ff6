import numpy as np
import pytest
from scipy import ndimage
from shapely.geometry import Point

from tasks.phantoms.canvas import SlideCanvas, sample, shrink, upsample

CANVAS = SlideCanvas(300, 200, 0.5)


@pytest.mark.parametrize("scale_um", [0.4, 2.0, 15.0])
def test_noise_is_standard_and_smooth_over_its_scale(scale_um):
    wide = SlideCanvas(900, 700, 0.5)
    noise = wide.noise(scale_um, np.random.default_rng(0))
    assert noise.shape == (700, 900)
    assert noise.dtype == np.float32
    assert abs(noise.mean()) < 0.25
    assert noise.std() == pytest.approx(1, abs=0.2)
    step = round(scale_um / 0.5)
    assert np.corrcoef(noise[:, :-step].ravel(), noise[:, step:].ravel())[0, 1] == pytest.approx(
        0.78, abs=0.13
    )


def test_shrinking_and_upsampling_keep_a_plane():
    plane = np.add.outer(np.arange(36.0), 10 * np.arange(48.0)).astype(np.float32)
    back = upsample(shrink(plane, 4), plane.shape, 4)
    np.testing.assert_allclose(back[2:-2, 2:-2], plane[2:-2, 2:-2], rtol=1e-5)


@pytest.mark.parametrize("scale_um", [1.0, 8.0])
def test_soften_is_a_gaussian_blur(scale_um):
    mask = CANVAS.inside(Point(150, 100).buffer(40))
    expected = ndimage.gaussian_filter(mask.astype(float), scale_um / 0.5)
    np.testing.assert_allclose(CANVAS.soften(mask, scale_um), expected, atol=0.03)


def test_inside_covers_the_polygon():
    circle = Point(150.2, 90.7).buffer(60, 64)
    mask = CANVAS.inside(circle)
    assert mask.sum() == pytest.approx(circle.area, rel=0.03)
    row, column = np.nonzero(mask)
    assert column.mean() + 0.5 == pytest.approx(150.2, abs=0.6)
    assert row.mean() + 0.5 == pytest.approx(90.7, abs=0.6)


def test_sample_reads_the_pixel_under_the_point():
    field = np.arange(60_000, dtype=np.float32).reshape(200, 300)
    points = np.array([[0.2, 0.9], [299.9, 199.9], [310.0, -4.0]])
    assert sample(field, points).tolist() == [0, 59_999, 299]

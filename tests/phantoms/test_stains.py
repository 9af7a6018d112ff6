import numpy as np

from tasks.phantoms.canvas import SlideCanvas
from tasks.phantoms.stains import Stain, patient_stain, photograph

CANVAS = SlideCanvas(400, 300, 0.5)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_light_falls_by_beer_lambert():
    matrix = np.array([[0.6, 0.7, 0.4], [0.1, 0.8, 0.5]], dtype=np.float32)
    stain = Stain(matrix, np.array([240, 242, 244], dtype=np.float32), 0.5, 0.0)
    picture = photograph(CANVAS, (CANVAS.filled(0.5), CANVAS.filled(0.3)), None, stain, rng())
    density = -np.log10(picture.reshape(-1, 3).mean(axis=0) / stain.glass)
    expected = 0.5 * matrix[0] + 0.3 * matrix[1]
    # The section is thicker here and thinner there, by the same factor in all channels.
    np.testing.assert_allclose(density, expected, rtol=0.1)
    np.testing.assert_allclose(density / density[1], expected / expected[1], rtol=0.01)


def test_glass_is_near_white_and_grey():
    for seed in range(20):
        stain = patient_stain(1.0, rng(seed))
        picture = photograph(CANVAS, (CANVAS.filled(), CANVAS.filled()), None, stain, rng(seed))
        mean = picture.reshape(-1, 3).mean(axis=0)
        assert mean.min() > 225
        assert np.ptp(mean) < 12


def test_patients_differ_and_spread_zero_makes_them_alike():
    apart = [patient_stain(1.0, rng(seed)).matrix for seed in (0, 1)]
    assert np.abs(apart[0] - apart[1]).max() > 0.03
    alike = [patient_stain(0.0, rng(seed)).matrix for seed in (0, 1)]
    np.testing.assert_array_equal(alike[0], alike[1])

import numpy as np
import pytest
import torch

from tasks.exemplars._canvas import Palette, first_spectra, painted, shifted

MEAN = torch.tensor([0.7, 0.4, 0.6], dtype=torch.float64)
COVARIANCE = torch.tensor([[0.023, 0.028, 0.028], [0.028, 0.037, 0.035], [0.028, 0.035, 0.037]]).double()
PALETTE = Palette(MEAN, COVARIANCE)


def spectra(size, count=1, scale=0.0):
    noise = torch.randn(count, 3, size, size // 2 + 1, 2, generator=torch.Generator().manual_seed(0))
    return noise * scale


@pytest.mark.parametrize("size", [8, 9, 16])
def test_spectra_of_zero_are_the_mean_colour(size):
    image = painted(spectra(size), PALETTE)
    assert image.shape == (1, 3, size, size)
    expected = MEAN.float()[:, None, None].expand(3, size, size)
    assert torch.allclose(image[0], expected, atol=1e-6)


def test_pixels_stay_between_black_and_white_however_large_the_spectra():
    image = painted(spectra(16, scale=1e4), PALETTE)
    assert image.isfinite().all()
    assert image.min() >= 0
    assert image.max() <= 1


def test_small_waves_have_the_colours_of_the_palette():
    image = painted(spectra(64, count=20, scale=0.001), PALETTE).double()
    found = torch.cov(image.transpose(0, 1).flatten(1))
    ratio = found / COVARIANCE
    assert torch.allclose(ratio / ratio.mean(), torch.ones(3, 3, dtype=torch.float64), atol=0.1)


def test_a_single_colour_may_still_change():
    """Trap: tiles of one colour have no covariance, and nothing could be painted."""
    flat = Palette(MEAN, torch.zeros(3, 3, dtype=torch.float64))
    assert painted(spectra(16, scale=0.1), flat).std() > 1e-4


def test_white_and_black_are_no_infinities():
    glass = Palette(torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64), COVARIANCE)
    image = painted(spectra(8), glass)
    assert torch.allclose(image[0, :, 0, 0], torch.tensor([0.98, 0.02, 0.98]), atol=1e-5)


def test_coarse_waves_are_larger_than_fine_ones():
    coarse, fine = spectra(16), spectra(16)
    coarse[0, :, 0, 1, 0] = fine[0, :, 0, 4, 0] = 0.01
    spans = [float(painted(x, PALETTE).amax() - painted(x, PALETTE).amin()) for x in (coarse, fine)]
    mean = float(MEAN.max() - MEAN.min())
    assert (spans[0] - mean) / (spans[1] - mean) == pytest.approx(4, rel=0.1)


def test_the_gradient_reaches_every_frequency_that_is_seen():
    start = spectra(8, scale=0.1).requires_grad_()
    weights = torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(1))
    (painted(start, PALETTE) * weights).sum().backward()
    # The imaginary parts of four frequencies of a real image are nothing.
    assert int((start.grad == 0).sum()) == 3 * 4


def test_a_start_depends_on_its_name_and_seed_alone():
    both = first_spectra(["normal", "tumour"], 16, 3)
    assert both.shape == (2, 3, 16, 9, 2)
    assert torch.equal(both[1:], first_spectra(["tumour"], 16, 3))
    assert not torch.equal(both[0], both[1])
    assert not torch.equal(both, first_spectra(["normal", "tumour"], 16, 4))
    assert float(both.std()) == pytest.approx(0.01, rel=0.1)


def test_a_roll_stays_within_its_reach_and_goes_either_way():
    image = torch.zeros(1, 3, 32, 32)
    image[..., 10, 20] = 1
    places = [np.argwhere(shifted(image, 4, 0, draw)[0, 0].numpy())[0] for draw in range(200)]
    moves = np.array(places) - (10, 20)
    assert moves.min() == -4
    assert moves.max() == 4
    assert {tuple(move) for move in moves} >= {(0, 0)}
    assert (moves[:, 0] != moves[:, 1]).any()
    assert torch.equal(shifted(image, 4, 0, 7), shifted(image, 4, 0, 7))


def test_without_jitter_an_image_stays():
    image = torch.rand(1, 3, 8, 8)
    assert torch.equal(shifted(image, 0, 0, 5), image)

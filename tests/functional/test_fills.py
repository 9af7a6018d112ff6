"""What stands in the place of a removed pixel."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from tasks.functional.blur import gaussian_blur
from tasks.functional.fills import filled

IMAGES = torch.rand(2, 3, 24, 30, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("sigma", [0.7, 2.0, 3.3])
def test_the_blur_is_scipys(sigma):
    ours = gaussian_blur(IMAGES, sigma)
    radius = int(np.ceil(4 * sigma))
    theirs = gaussian_filter(IMAGES.numpy(), sigma, mode="mirror", radius=radius, axes=(2, 3))
    np.testing.assert_allclose(ours, theirs, atol=2e-6)


def test_a_blur_wider_than_the_tile_still_gives_an_image():
    blurred = gaussian_blur(IMAGES, 50.0)
    assert blurred.shape == IMAGES.shape
    assert blurred.std((2, 3)).max() < 0.02


def test_white_and_tissue_colour_know_nothing_of_the_image():
    colour = torch.tensor([0.8, 0.5, 0.7])
    assert (filled("white", IMAGES, colour, 8.0) == 1).all()
    tissue = filled("mean_tissue", IMAGES, colour, 8.0)
    assert tissue.shape == IMAGES.shape
    assert torch.equal(tissue[1, :, 3, 4], colour)


def test_the_blur_fill_is_the_blur():
    assert torch.equal(filled("blur", IMAGES, torch.ones(3), 2.0), gaussian_blur(IMAGES, 2.0))

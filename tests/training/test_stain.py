"""Stain space agrees with scikit-image and is exact there and back."""

import numpy as np
import pytest
import torch
from skimage.color import hed2rgb, rgb2hed

from tasks.training.stain import change_stains, hed_to_rgb, rgb_to_hed


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(0)
    tissue = 0.05 + 0.9 * torch.rand(4, 3, 8, 8, generator=generator, dtype=torch.float64)
    tissue[0, :, 0, 0], tissue[0, :, 0, 1] = 0.0, 1.0
    return tissue


def last(images):
    return images.permute(0, 2, 3, 1).numpy()


def test_amounts_are_those_of_skimage(images):
    ours = last(rgb_to_hed(images))
    np.testing.assert_allclose(np.maximum(ours, 0), rgb2hed(last(images)), atol=1e-12)


def test_the_way_back_is_that_of_skimage(images):
    stains = rgb_to_hed(images).clamp_min(0)
    np.testing.assert_allclose(last(hed_to_rgb(stains)), hed2rgb(last(stains)), atol=1e-12)


def test_there_and_back_is_exact_but_for_black(images):
    back = hed_to_rgb(rgb_to_hed(images))
    torch.testing.assert_close(back, images.clamp_min(1e-6), rtol=1e-9, atol=1e-12)


def test_change_is_the_linear_one_in_stain_space(images):
    generator = torch.Generator().manual_seed(1)
    scale = 0.8 + 0.4 * torch.rand(4, 3, generator=generator, dtype=torch.float64)
    shift = 0.02 * torch.rand(4, 3, generator=generator, dtype=torch.float64)
    stains = rgb_to_hed(images) * scale[:, :, None, None] + shift[:, :, None, None]
    torch.testing.assert_close(change_stains(images, scale, shift), hed_to_rgb(stains))


def test_no_change_is_no_change(images):
    same = change_stains(
        images, torch.ones(4, 3, dtype=torch.float64), torch.zeros(4, 3, dtype=torch.float64)
    )
    torch.testing.assert_close(same, images.clamp_min(1e-6))


def test_more_haematoxylin_is_bluer_and_darker():
    grey = torch.full((1, 3, 2, 2), 0.7)
    more = change_stains(grey, torch.ones(1, 3), torch.tensor([[0.05, 0.0, 0.0]]))
    red, green, blue = more[0, :, 0, 0]
    assert red < blue < 0.7
    assert green < blue

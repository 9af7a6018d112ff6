"""The edge control, against scipy's Sobel filter and by hand."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from tasks.explainers.edge_map import EdgeMap
from tasks.functional.colour import optical_density
from tests._support.small_networks import small_network


def edges(images):
    count = len(images)
    return EdgeMap()(small_network(), images, torch.ones(count, dtype=torch.int64), torch.arange(count))


def test_it_is_scipys_sobel_magnitude_up_to_its_factor():
    images = torch.rand(3, 3, 17, 23, generator=torch.Generator().manual_seed(0))
    density = optical_density(images).sum(1).double().numpy()
    expected = [
        np.hypot(*(ndimage.sobel(tile, axis, mode="nearest") for axis in (0, 1))) / 8 for tile in density
    ]
    np.testing.assert_allclose(edges(images).numpy(), np.stack(expected), atol=1e-6)


@pytest.mark.parametrize("grey", [0.0, 0.3, 1.0])
def test_an_even_tile_has_no_edge_not_even_at_its_border(grey):
    assert torch.equal(edges(torch.full((1, 3, 9, 9), grey)), torch.zeros(1, 9, 9))


def test_a_step_is_half_its_height_on_both_sides():
    """Density 0 against 3, one unit in each of three channels."""
    images = torch.ones(1, 3, 8, 8)
    images[..., 4:] = 0.1
    found = edges(images)[0]
    torch.testing.assert_close(found[:, 3:5], torch.full((8, 2), 1.5))
    assert found[:, :3].abs().max() == found[:, 5:].abs().max() == 0
    torch.testing.assert_close(edges(images.transpose(2, 3))[0], found.T)

"""Edges of the optical density."""

import torch
from scipy import ndimage

from tasks.functional.colour import optical_density
from tasks.functional.edges import edge_magnitude


def test_it_is_scipys_sobel_of_the_optical_density():
    images = torch.rand(2, 3, 12, 9, generator=torch.Generator().manual_seed(0))
    for found, image in zip(edge_magnitude(images), images, strict=True):
        density = optical_density(image[None]).sum(1)[0].double().numpy()
        # Scipy weighs by 1, 2, 1 and does not divide by 4, nor by the distance of 2.
        down, across = (ndimage.sobel(density, axis=axis, mode="nearest") / 8 for axis in (0, 1))
        torch.testing.assert_close(
            found.double(), torch.from_numpy((down**2 + across**2) ** 0.5), atol=1e-5, rtol=0
        )


def test_an_even_image_has_none():
    assert edge_magnitude(torch.full((1, 3, 8, 8), 0.3)).max() == 0

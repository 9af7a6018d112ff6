"""Colour statistics of tiles whose statistics are known."""

import torch

from tasks.models.encoders.colour_statistics import ColourStatistics


def test_a_tile_of_one_colour_has_its_density_and_no_spread():
    network = ColourStatistics().build()
    features = network(torch.full((1, 3, 8, 8), 0.1)).view(3, 9)
    torch.testing.assert_close(features[:, [0, 2, 3, 4, 5, 6]], torch.ones(3, 6))
    torch.testing.assert_close(features[:, [1, 7, 8]], torch.zeros(3, 3), atol=1e-6, rtol=0)


def test_stripes_are_rough():
    images = torch.ones(1, 3, 4, 4)
    images[..., ::2] = 0.1
    features = ColourStatistics().build()(images).view(3, 9)
    torch.testing.assert_close(features[:, 0], torch.full((3,), 0.5))
    torch.testing.assert_close(features[:, 7], torch.full((3,), 0.5))
    torch.testing.assert_close(features[:, 8], torch.ones(3))

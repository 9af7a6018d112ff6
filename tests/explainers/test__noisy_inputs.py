"""Noise drawn for some tiles at a time is the noise of all."""

import torch

from tasks.explainers._noisy_inputs import noise_of, noisy
from tasks.functional.noise import normal
from tasks.functional.tile_keys import tile_keys

KEYS = tile_keys([str(number) for number in range(7)])


def test_the_numbers_are_those_of_the_whole_batch_to_the_last_bit():
    for shape in ((3, 300, 300), (3, 1, 1), (1, 600, 1000)):
        assert torch.equal(noise_of(5, KEYS, 2, shape), normal(5, KEYS, 2, shape))


def test_the_noise_is_added_and_not_clamped():
    images = torch.ones(7, 3, 4, 4)
    expected = images + 0.5 * normal(1, KEYS, 3, (3, 4, 4))
    assert torch.equal(noisy(images, 0.5, 1, KEYS, 3), expected)
    assert expected.max() > 1

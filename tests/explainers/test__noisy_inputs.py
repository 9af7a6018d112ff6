"""Noise drawn for some tiles at a time is the noise of all."""

import pytest
import torch

from tasks.explainers._noisy_inputs import noise_of, noisy, noisy_inputs
from tasks.explainers.base import ExplanationError
from tasks.functional.noise import normal
from tasks.functional.tile_keys import tile_keys
from tasks.samples.tile_names import named
from tests._support.bags import bag_network, only, ragged

KEYS = tile_keys([str(number) for number in range(7)])


def test_the_numbers_are_those_of_the_whole_batch_to_the_last_bit():
    for shape in ((3, 300, 300), (3, 1, 1), (1, 600, 1000)):
        assert torch.equal(noise_of(5, KEYS, 2, shape), normal(5, KEYS, 2, shape))


def test_the_noise_is_added_and_not_clamped():
    images = torch.ones(7, 3, 4, 4)
    expected = images + 0.5 * normal(1, KEYS, 3, (3, 4, 4))
    assert torch.equal(noisy(images, 0.5, 1, KEYS, 3), expected)
    assert expected.max() > 1


def test_noise_on_features_is_a_fraction_of_their_spread_and_moves_with_the_tile():
    network, bags = bag_network(), named(ragged((400, 300)))
    keys = KEYS[:2]
    drawn = noisy_inputs(network, bags, 0.5, 1, keys, 3)
    assert torch.equal(drawn.features[~bags.mask], bags.features[~bags.mask])
    assert drawn.tile_keys is bags.tile_keys
    noise = ((drawn.features - bags.features) / network.std)[bags.mask]
    assert abs(float(noise.std()) - 0.5) < 0.03
    assert abs(float(noise.mean())) < 0.03
    alone = noisy_inputs(network, only(bags, 1), 0.5, 1, keys[1:], 3)
    assert torch.equal(alone.features[0], drawn.features[1, :300])
    assert not torch.equal(noisy_inputs(network, bags, 0.5, 1, keys, 4).features, drawn.features)


def test_a_network_that_does_not_say_the_spread_is_refused():
    with pytest.raises(ExplanationError, match=r"noise on features needs the std .*, a buffer 'std' \[D\]"):
        noisy_inputs(bag_network().network, ragged(), 0.5, 1, KEYS[:4], 0)

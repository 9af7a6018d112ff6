"""The shuffled control: the same values, no place."""

import pytest
import torch
from scipy.stats import spearmanr

from tasks.explainers.gradient import Gradient
from tasks.explainers.gradient_x_input import GradientXInput
from tasks.explainers.noisegrad import NoiseGrad
from tasks.explainers.optical_density import OpticalDensity
from tasks.explainers.shuffled_map import ShuffledMap
from tasks.explainers.smoothgrad import SmoothGrad
from tests._support.bags import bag_network, keys_and_targets, ragged
from tests._support.small_networks import small_network

COUNT, SIDE = 6, 24
IMAGES = torch.rand(COUNT, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
ONES, KEYS = torch.ones(COUNT, dtype=torch.int64), torch.arange(COUNT)


def flat(explainer, keys=KEYS):
    return explainer(small_network(), IMAGES, ONES, keys).flatten(1)


@pytest.mark.parametrize("base", [Gradient(), SmoothGrad(samples=2, seed=4), OpticalDensity()])
def test_every_value_of_the_held_map_is_kept_in_its_tile(base):
    found, held = flat(ShuffledMap(base=base)), flat(base)
    assert torch.equal(found.sort(1).values, held.sort(1).values)
    assert not torch.equal(found, held)


def test_its_place_says_nothing_about_where_it_was():
    found, held = flat(ShuffledMap()), flat(Gradient())
    between = [abs(spearmanr(a, b)[0]) for a, b in zip(found.abs(), held.abs(), strict=True)]
    assert max(between) < 4 / (SIDE * SIDE) ** 0.5


def test_every_tile_has_an_order_of_its_own_whatever_its_company():
    ramp = torch.linspace(0.1, 0.9, SIDE * SIDE).view(1, 1, SIDE, SIDE).expand(COUNT, 3, -1, -1)
    shuffled = ShuffledMap(base=OpticalDensity())
    together = shuffled(small_network(), ramp, ONES, KEYS).flatten(1)
    assert len({tuple(row.tolist()) for row in together}) == COUNT
    last = shuffled(small_network(), ramp[:1], ONES[:1], KEYS[-1:]).flatten(1)
    assert torch.equal(last, together[-1:])


def test_every_place_is_as_likely():
    """One bright pixel in 2000 tiles of 16: of 16 places none has more than chance gives it."""
    images = torch.ones(2000, 3, 4, 4)
    images[:, :, 0, 0] = 0.1
    keys, ones = torch.arange(2000), torch.ones(2000, dtype=torch.int64)
    found = ShuffledMap(base=OpticalDensity())(small_network(), images, ones, keys).flatten(1)
    counts = (found > 0).sum(0).double()
    assert counts.sum() == 2000
    assert ((counts - 125).square() / 125).sum() < 37.7, "chi square of 15 degrees, 1 in 1000"


def test_it_has_a_sign_where_the_held_explainer_has_one():
    assert ShuffledMap(base=Gradient()).signed_maps
    assert not ShuffledMap(base=OpticalDensity()).signed_maps


def test_a_held_explainer_gets_its_sigma():
    shuffled = ShuffledMap(base={"name": "noisegrad"})
    assert shuffled.uncalibrated == NoiseGrad()
    assert shuffled.calibrated(0.3).base.sigma == 0.3
    assert shuffled.passes() == NoiseGrad().passes()


def test_of_bags_the_values_of_real_tiles_change_their_tiles():
    bags, (targets, keys) = ragged(pad=2), keys_and_targets(4)
    held = GradientXInput()(bag_network(), bags, targets, keys)
    found = ShuffledMap(base=GradientXInput())(bag_network(), bags, targets, keys)
    for number, mask in enumerate(bags.mask):
        assert torch.equal(found[number, mask].sort().values, held[number, mask].sort().values)
    assert (found[3] != held[3]).sum() > 6

"""Noise on weights and images over every explainer there is."""

import pytest
import torch

from tasks.explainers._averaged import AveragedExplainer
from tasks.explainers._noisy_weights import WeightNoiseExplainer
from tasks.explainers.base import Explainer
from tasks.explainers.fusiongrad import FusionGrad
from tasks.explainers.noisegrad import NoiseGrad
from tasks.explainers.smoothgrad import SmoothGrad
from tasks.functional.noise import derived_keys, normal
from tasks.functional.tile_keys import tile_keys
from tasks.plugins import available, plugin_class
from tests._support.naive_noise import noisy_copy
from tests._support.small_networks import small_network, state_of

EXPLAINERS = {name: plugin_class("tasks.explainers", name) for name in available("tasks.explainers")}
BASES = [
    name
    for name, kind in EXPLAINERS.items()
    if issubclass(kind, Explainer)
    and "pixels" in kind.accepts
    and not kind.control
    and not issubclass(kind, WeightNoiseExplainer)
]
IMAGES = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(3))
TARGETS, KEYS = torch.tensor([1, 0]), tile_keys(["s/0_0", "s/1_0"])


def test_all_noise_explainers_are_here():
    averaged = {name for name, kind in EXPLAINERS.items() if issubclass(kind, AveragedExplainer)}
    assert averaged == {"smoothgrad", "noisegrad", "fusiongrad"}


@pytest.mark.parametrize("name", BASES)
def test_noisegrad_is_the_mean_of_the_base_on_noisy_copies(name):
    """Trap: a base that keeps what it made of the network it was prepared with explains another one."""
    model, base = small_network(), EXPLAINERS[name]()
    before = state_of(model)
    maps = NoiseGrad(base=base, sigma=0.3, draws=2, seed=4)(model, IMAGES, TARGETS, KEYS)
    drawn = [
        base(noisy_copy(model, 0.3, 4, draw), IMAGES, TARGETS, derived_keys(4, KEYS, draw)) for draw in (0, 1)
    ]
    torch.testing.assert_close(maps, torch.stack(drawn).mean(0), rtol=1e-5, atol=1e-6)
    assert state_of(model) == before


@pytest.mark.parametrize("name", BASES)
def test_fusiongrad_is_that_of_noisy_images_too(name):
    model, base = small_network(), EXPLAINERS[name]()
    before = state_of(model)
    explainer = FusionGrad(base=base, sigma=0.4, input_sigma=0.2, draws=2, samples=1)
    maps = explainer(model, IMAGES, TARGETS, KEYS)
    drawn = [
        base(
            noisy_copy(model, 0.2, 0, draw),
            IMAGES + 0.1 * normal(0, KEYS, draw, (3, 16, 16)),
            TARGETS,
            derived_keys(0, KEYS, draw),
        )
        for draw in (0, 1)
    ]
    torch.testing.assert_close(maps, torch.stack(drawn).mean(0), rtol=1e-5, atol=1e-6)
    assert state_of(model) == before


@pytest.mark.parametrize("name", BASES)
def test_each_of_them_may_be_averaged_and_knows_its_sign(name):
    base = EXPLAINERS[name]()
    assert SmoothGrad(base=base).signed_maps == base.signed_maps == base.signed
    assert not SmoothGrad(base=base, average="magnitude").signed_maps

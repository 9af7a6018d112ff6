"""An explainer that claims to read the model gives another map when the weights change, and only then."""

from typing import ClassVar

import pytest
import torch

from tasks.explainers.base import Explainer
from tasks.explainers.optical_density import OpticalDensity
from tasks.functional.tile_keys import tile_keys
from tasks.plugins import available, plugin_class
from tests._support.small_networks import small_network

COUNT, SIDE = 5, 16
KEYS = tile_keys([f"slide/{i}_0" for i in range(COUNT)])
ALIKE = 0.999
"""Maps of a higher correlation differ in scale and offset alone."""


def explainer_of(name: str) -> Explainer:
    # A sigma that waits for a calibration gets any number; other explainers stay as they are.
    return plugin_class("tasks.explainers", name)().calibrated(0.1)


NAMES = [name for name in available("tasks.explainers") if "pixels" in explainer_of(name).inputs]
READING = [name for name in NAMES if not explainer_of(name).control]
BLIND = [name for name in NAMES if explainer_of(name).blind]


def maps_of(explainer: Explainer, seed: int) -> torch.Tensor:
    images = torch.rand(COUNT, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3))
    return explainer(small_network(seed), images, torch.tensor([1, 0, 1, 1, 0]), KEYS).double()


def assert_it_reads_the_model(explainer: Explainer) -> None:
    """Fail where the maps of two networks differ by a factor and an offset at most."""
    first, other = (maps_of(explainer, seed).flatten(1) for seed in (0, 1))
    assert not torch.equal(first, other), f"{explainer.name} gives the same map for other weights"
    pairs = torch.stack([first, other], dim=1)
    correlations = [float(torch.corrcoef(pair)[0, 1]) for pair in pairs]
    assert max(map(abs, correlations)) < ALIKE, f"{explainer.name} rescales one map: {correlations}"


class NeverReads(OpticalDensity):
    """A map of the image that calls itself a sensitivity."""

    name: str = "never_reads"
    source: ClassVar[str] = "a lie"
    kind: ClassVar[str] = "sensitivity"
    control: ClassVar[bool] = False
    blind: ClassVar[bool] = False


class OnlyScales(NeverReads):
    """The same map times what the network answers."""

    name: str = "only_scales"

    def attribute(self, model, images, targets, tile_keys):
        answer = model(images).softmax(1).gather(1, targets[:, None])[:, :, None]
        return answer * super().attribute(model, images, targets, tile_keys)


def test_there_are_explainers_and_blind_controls():
    assert {"gradient", "grad_cam", "smoothgrad"} <= set(READING)
    assert {"random_map", "optical_density"} <= set(BLIND)
    assert "predicted_probability" not in BLIND


@pytest.mark.parametrize("name", READING)
def test_other_weights_give_another_map(name):
    assert_it_reads_the_model(explainer_of(name))


@pytest.mark.parametrize("liar", [NeverReads, OnlyScales])
def test_an_explainer_that_reads_no_weight_is_found(liar):
    with pytest.raises(AssertionError, match=r"same map|rescales"):
        assert_it_reads_the_model(liar())


@pytest.mark.parametrize("name", BLIND)
def test_a_blind_control_gives_the_same_map_whatever_the_weights(name):
    assert torch.equal(maps_of(explainer_of(name), 0), maps_of(explainer_of(name), 1))

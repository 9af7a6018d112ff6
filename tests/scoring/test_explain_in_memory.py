"""Maps made in memory: those of the explainer, with what they are off by."""

from typing import ClassVar

import numpy as np
import pytest
import torch

from tasks.evaluation.plan import EvaluationSettings
from tasks.explainers.base import Explainer
from tasks.explainers.gradient import Gradient
from tasks.explainers.integrated_gradients import IntegratedGradients
from tasks.functional.passes import Passes
from tasks.functional.tile_keys import tile_keys
from tasks.scoring.errors import ScoringError
from tasks.scoring.explain_in_memory import explain_in_memory
from tasks.scoring.input_checks import checked_images
from tests._support.small_networks import LinearNetwork, small_network, state_of

SIDE = 6
SETTINGS = EvaluationSettings(batch=2)


def some(count=5):
    images = np.random.default_rng(0).random((count, 3, SIDE, SIDE)).astype(np.float32)
    return checked_images(images, np.arange(count) % 2, {}, [f"k{number}" for number in range(count)], None)


class Odd(Explainer):
    """Maps of a shape or with values that no map has."""

    source: ClassVar[str] = "a test"
    broken: str = "shape"

    def attribute(self, model, images, targets, tile_keys):
        """Return what is no map."""
        return images if self.broken == "shape" else images.sum(1) * torch.nan


def test_they_are_those_of_the_explainer_and_the_model_is_left_as_found():
    images, model = some(), small_network()
    before = state_of(model)
    made, spent = explain_in_memory(model, {"g": Gradient()}, images, SETTINGS)
    assert state_of(model) == before
    expected = Gradient()(
        model, torch.from_numpy(images.images), torch.from_numpy(images.targets), tile_keys(images.keys)
    )
    assert np.allclose(made["g"].values, expected.numpy(), atol=1e-6)
    assert np.isnan(made["g"].completeness).all()
    assert spent == Passes(forward=5, backward=5)


class Silent(Explainer):
    """A map of zeros that is measured against black."""

    source: ClassVar[str] = "a test"

    def attribute(self, model, images, targets, tile_keys):
        """Return zeros."""
        return torch.zeros_like(images[:, 0])

    def reference(self, model, images):
        """Return black."""
        return torch.zeros_like(images)


def test_what_a_map_is_off_by_is_measured():
    """Integrated gradients of a linear model are exact; a map of zeros lacks the whole margin."""
    images, weight = some(), torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    explainers = {"ig": IntegratedGradients(steps=4), "zero": Silent()}
    made, _ = explain_in_memory(LinearNetwork(weight), explainers, images, SETTINGS)
    assert np.abs(made["ig"].completeness).max() < 1e-4
    margin = np.where(images.targets, 1, -1) * (images.images * weight.numpy()).sum((1, 2, 3))
    assert made["zero"].completeness == pytest.approx(-margin, rel=1e-4)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("shape", r"explainer 'odd' gave maps of shape \[2, 3, 6, 6\]; needed \[2, 6, 6\]"),
        ("values", "explainer 'odd' gave maps that hold values that are not finite"),
    ],
)
def test_maps_that_are_none(broken, said):
    with pytest.raises(ScoringError, match=said):
        explain_in_memory(small_network(), {"odd": Odd(broken=broken)}, some(), SETTINGS)

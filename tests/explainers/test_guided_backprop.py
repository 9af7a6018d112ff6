"""Guided backpropagation."""

import warnings

import pytest
import torch
import torch.nn.functional as F
from captum.attr import GuidedBackprop as CaptumGuidedBackprop
from torch import nn

from tasks.explainers.base import ExplanationError
from tasks.explainers.gradient import Gradient
from tasks.explainers.guided_backprop import GuidedBackprop
from tests._support.explained import AllMargins, small_classifier
from tests._support.small_networks import LinearNetwork, small_network, state_of

KEYS, TARGETS = torch.arange(4), torch.tensor([1, 0, 1, 1])
IMAGES = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


class TwoUnits(nn.Module):
    """Margin relu(relu(x)) - relu(1 - x) of a single pixel x, by one of several ways to call a ReLU."""

    def __init__(self, relu) -> None:
        super().__init__()
        self.relu = relu

    def forward(self, images):
        """Return logits (0, margin)."""
        x = images.flatten(1).sum(1)
        margin = self.relu(self.relu(x * 1) * 1) - self.relu(1 - x)
        return torch.stack([torch.zeros_like(margin), margin], 1)


WAYS = {
    "reused module": nn.ReLU(),
    "reused in-place module": nn.ReLU(inplace=True),
    "functional": F.relu,
    "method": lambda x: x.relu(),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("pixel", "guided", "plain"), [(0.25, 1.0, 2.0), (2.0, 1.0, 1.0), (-1.0, 0.0, 1.0)])
def test_only_positive_gradients_pass_however_the_relu_is_called(way, pixel, guided, plain):
    """At 1/4 both units are active; the second sends back -1, which is stopped, so that 1 is left of 2."""
    images, model = torch.full((1, 1, 1, 1), pixel), TwoUnits(WAYS[way])
    one, key = torch.ones(1, dtype=torch.int64), KEYS[:1]
    assert GuidedBackprop()(model, images, one, key).item() == guided
    assert Gradient()(model, images, one, key).item() == plain


@pytest.mark.parametrize("network", [small_network, small_classifier])
def test_it_is_captums_where_every_relu_is_a_module(network):
    model = network()
    ours = GuidedBackprop()(model, IMAGES, TARGETS, KEYS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = CaptumGuidedBackprop(AllMargins(model.eval())).attribute(IMAGES, target=TARGETS)
    torch.testing.assert_close(ours, theirs.sum(1), rtol=1e-4, atol=1e-6)
    assert not torch.allclose(ours, Gradient()(model, IMAGES, TARGETS, KEYS), atol=1e-3)
    assert (ours < 0).any()


def test_a_model_without_relu_is_refused_with_a_sentence_and_left_as_found():
    model = LinearNetwork(torch.randn(3, 32, 32))
    before = state_of(model)
    with pytest.raises(ExplanationError, match="LinearNetwork calls none that can be met, so use 'gradient'"):
        GuidedBackprop()(model, IMAGES, TARGETS, KEYS)
    assert state_of(model) == before


def test_activations_that_are_not_guided_are_named():
    layers = list(small_network())
    layers[5] = nn.GELU()
    settled = GuidedBackprop().settled(nn.Sequential(*layers), IMAGES)
    assert settled.notes() == ("Only ReLUs are guided; the network's gelu keep their own gradient.",)
    assert GuidedBackprop().settled(small_network(), IMAGES).notes() == ()
    assert settled.model_dump() == GuidedBackprop().model_dump(), "what was found is no setting"


def test_a_network_of_other_activations_is_refused_by_their_names():
    layers = [nn.GELU() if isinstance(layer, nn.ReLU) else layer for layer in small_network()]
    with pytest.raises(ExplanationError, match=r"calls none that can be met \(it calls gelu\)"):
        GuidedBackprop().settled(nn.Sequential(*layers), IMAGES)

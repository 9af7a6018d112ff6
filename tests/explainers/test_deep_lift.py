"""DeepLIFT by the rescale rule."""

import warnings
from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from captum.attr import DeepLift as CaptumDeepLift
from torch import nn

from tasks.explainers._rescale import rescaled
from tasks.explainers.base import ExplanationError
from tasks.explainers.deep_lift import DeepLift
from tasks.functional.completeness import INCOMPLETE, completeness_note, missed_fraction
from tasks.functional.gradients import input_gradient
from tests._support.explained import AllMargins, batches_of, margins, small_classifier
from tests._support.odd_networks import Between, attention, body, gated, standardising
from tests._support.small_networks import LinearNetwork, small_network

KEYS, TARGETS = torch.arange(4), torch.tensor([1, 0, 1, 1])
GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.rand(4, 3, 32, 32, generator=GENERATOR)
ONE = torch.ones(1, dtype=torch.int64)


def promised(model: nn.Module, explainer: DeepLift) -> torch.Tensor:
    there = explainer.reference(model, IMAGES)
    return margins(model, IMAGES, TARGETS) - margins(model, there, TARGETS)


def captums(model: nn.Module) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        method = CaptumDeepLift(AllMargins(model.eval()))
        return method.attribute(IMAGES.clone(), torch.ones_like(IMAGES), target=TARGETS).detach().sum(1)


def pooled_network() -> nn.Module:
    """The small network with a pool whose windows lie apart, and a smooth activation, in between."""
    layers = list(small_network())
    layers[2:2] = [nn.MaxPool2d(2), deepcopy(layers[1]), nn.Softplus(), deepcopy(layers[1])]
    return nn.Sequential(*layers)


@pytest.mark.parametrize("baseline", ["white", "blur", "mean_tissue"])
def test_of_a_linear_model_it_is_the_weighted_difference_to_the_baseline(baseline):
    weight = torch.randn(3, 32, 32, generator=GENERATOR)
    model, explainer = LinearNetwork(weight), DeepLift(baseline=baseline, blur_px=2.0)
    model.register_buffer("mean", torch.tensor([0.7, 0.5, 0.6]).view(1, 3, 1, 1))
    expected = (weight * (IMAGES - explainer.reference(model, IMAGES))).sum(1)
    maps = explainer(model, IMAGES, torch.ones(4, dtype=torch.int64), KEYS)
    torch.testing.assert_close(maps, expected)


class Saturated(nn.Module):
    """Margin 1 - relu(1 - d) of the darkness d = 1 - x summed over two pixels: full already at one half."""

    def forward(self, images):
        margin = 1 - F.relu(1 - 2 * (1 - images).flatten(1).sum(1))
        return torch.stack([torch.zeros_like(margin), margin], 1)


def test_a_saturated_unit_is_shared_out_where_the_gradient_is_zero():
    """Darkness 3/4 and 1/4 brought the margin from 0 to 1: three quarters and one quarter of it."""
    maps = DeepLift()(Saturated(), torch.tensor([0.25, 0.75]).view(1, 1, 1, 2), ONE, KEYS[:1])
    torch.testing.assert_close(maps.flatten(), torch.tensor([0.75, 0.25]))


@pytest.mark.parametrize("network", [small_network, pooled_network])
def test_it_is_captums_where_modules_are_not_reused_nor_next_to_each_other_and_pools_lie_apart(network):
    model = network()
    maps = DeepLift()(model, IMAGES, TARGETS, KEYS)
    torch.testing.assert_close(maps, captums(model), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("baseline", ["white", "blur", "mean_tissue"])
def test_a_classifier_adds_up_over_its_overlapping_pool(baseline):
    model, explainer = small_classifier(), DeepLift(baseline=baseline, blur_px=2.0)
    sums = explainer(model, IMAGES, TARGETS, KEYS).sum((1, 2))
    torch.testing.assert_close(sums, promised(model, explainer), rtol=1e-4, atol=1e-4)


def test_a_pool_right_after_a_relu_has_its_known_shares():
    """Maxima (3, 1, 5) against (2, 2, 0): their changes 1, -1 and 5 times the weights 1, 10 and 100."""
    model = nn.Sequential(nn.ReLU(), nn.MaxPool2d((1, 2)), nn.Flatten(), nn.Linear(3, 2, bias=False))
    model[3].weight.data = torch.tensor([[0.0, 0.0, 0.0], [1.0, 10.0, 100.0]])
    here, there = torch.tensor([[3.0, 1.0, 1.0, 0.0, 5.0, 2.0], [0.0, 2.0, 0.0, 2.0, 0.0, 0.0]]).view(
        2, 1, 1, 1, 6
    )
    found = input_gradient(rescaled(model, there), here, ONE) * (here - there)
    assert found.flatten().tolist() == [1.0, 0.0, 0.0, -10.0, 500.0, 0.0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = CaptumDeepLift(model.eval()).attribute(here.clone(), there, target=1)
    assert theirs.sum().item() != pytest.approx(491.0), (
        "Captum misses the pool: one reason for a rule of our own"
    )


def test_captum_loses_shares_where_pools_overlap():
    """The other reason; should both fail one day, Captum may be used again."""
    model = small_classifier()
    wanted = promised(model, DeepLift())
    assert (captums(model).sum((1, 2)) - wanted).abs().max() > 0.01 * wanted.abs().max()


class Ways(nn.Module):
    """The same network with its ReLUs called in another way."""

    def __init__(self, first, second) -> None:
        super().__init__()
        layers = small_network()
        self.bottom, self.middle, self.top = layers[:2], layers[3:5], layers[6:]
        self.first, self.second = first, second

    def forward(self, images):
        return self.top(self.second(self.middle(self.first(self.bottom(images)))))


REUSED, IN_PLACE = nn.ReLU(), nn.ReLU(inplace=True)


@pytest.mark.parametrize(
    ("first", "second"),
    [(REUSED, REUSED), (IN_PLACE, IN_PLACE), (F.relu, torch.relu), (F.relu_, lambda x: x.relu())],
)
def test_reused_functional_and_in_place_relus_are_met_as_modules_are(first, second):
    maps = DeepLift()(Ways(first, second), IMAGES, TARGETS, KEYS)
    torch.testing.assert_close(maps, DeepLift()(small_network(), IMAGES, TARGETS, KEYS))


@pytest.mark.parametrize("activation", [nn.GELU(), nn.SiLU(), nn.Tanh(), nn.ELU(), nn.Hardswish()])
def test_smooth_activations_add_up_too(activation):
    layers = [activation if isinstance(layer, nn.ReLU) else layer for layer in small_network()]
    model, explainer = nn.Sequential(*layers), DeepLift()
    sums = explainer(model, IMAGES, TARGETS, KEYS).sum((1, 2))
    torch.testing.assert_close(sums, promised(model, explainer), rtol=1e-3, atol=1e-5)


def test_white_glass_says_nothing():
    images = IMAGES.clone()
    images[:, :, 4:9, 5:20] = 1
    maps = DeepLift()(small_classifier(), images, TARGETS, KEYS)
    assert maps[:, 4:9, 5:20].eq(0).all()
    assert torch.isfinite(maps).all()
    assert DeepLift()(small_classifier(), torch.ones_like(images), TARGETS, KEYS).eq(0).all()


@pytest.mark.parametrize(("baseline", "seen"), [("white", [1, 4]), ("blur", [4, 4])])
def test_a_baseline_of_one_colour_is_asked_once_a_batch(baseline, seen):
    model = small_network()
    with batches_of(model) as found:
        DeepLift(baseline=baseline)(model, IMAGES, TARGETS, KEYS)
    assert list(found) == seen


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_baseline_without_finite_logits_is_refused_and_a_broken_image_stays_broken(share):
    """NaN is a difference like any other, not 'no difference': it must reach the map."""
    model = small_network().eval()
    with pytest.raises(ExplanationError, match="not finite on the baseline 'white'"):
        DeepLift()(standardising(), IMAGES, TARGETS, KEYS)
    images = IMAGES.clone()
    images[1, 0, 3, 3] = torch.nan
    found = input_gradient(rescaled(model, torch.full_like(IMAGES, share)), images, TARGETS)
    assert found[1].isnan().any()
    assert found[[0, 2, 3]].isfinite().all()


BREAKS = {
    "clamp": lambda: Between(lambda x: (2 * x).clamp(0.2, 0.4)),
    "maximum over channels": lambda: Between(lambda x: x - x.amax(1, keepdim=True)),
    "attention": lambda: Between(attention),
    "squeeze and excitation": lambda: Between(gated),
    "traced": lambda: torch.jit.trace(body().eval(), IMAGES),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_breaks_the_sum_is_measured_and_said(name):
    model, explainer = BREAKS[name]().eval(), DeepLift()
    sums = explainer(model, IMAGES, TARGETS, KEYS).sum((1, 2)).double().numpy()
    errors = sums - promised(model, explainer).double().numpy()
    assert missed_fraction(errors, sums) > INCOMPLETE
    assert completeness_note(errors, sums)

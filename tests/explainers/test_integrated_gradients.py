"""The integrated gradients."""

import pytest
import torch
from captum.attr import IntegratedGradients as CaptumIntegratedGradients
from pydantic import ValidationError

from tasks.explainers.integrated_gradients import IntegratedGradients
from tasks.functional.passes import Passes
from tests._support.explained import AllMargins, margins, small_classifier
from tests._support.small_networks import LinearNetwork, PowerNetwork, small_network

KEYS, ONES = torch.arange(4), torch.ones(4, dtype=torch.int64)
GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.rand(4, 3, 32, 32, generator=GENERATOR)
WEIGHT = torch.randn(3, 32, 32, generator=GENERATOR)


def error(model: torch.nn.Module, explainer: IntegratedGradients) -> torch.Tensor:
    """The sum of each map less the margin's difference, [B]."""
    there = explainer.reference(model, IMAGES)
    wanted = margins(model, IMAGES, ONES) - margins(model, there, ONES)
    return explainer(model, IMAGES, ONES, KEYS).sum((1, 2)) - wanted


@pytest.mark.parametrize(("power", "steps"), [(1, 1), (2, 1), (3, 2), (4, 2), (8, 4)])
def test_it_is_exact_on_polynomials_of_twice_the_steps(power, steps):
    model = PowerNetwork(WEIGHT, power)
    maps = IntegratedGradients(steps=steps)(model, IMAGES, ONES, KEYS)
    torch.testing.assert_close(maps, (WEIGHT * (IMAGES**power - 1)).sum(1), rtol=1e-4, atol=1e-5)


def test_one_step_of_a_cubic_model_is_its_gradient_half_way():
    maps = IntegratedGradients(steps=1)(PowerNetwork(WEIGHT, 3), IMAGES, ONES, KEYS)
    torch.testing.assert_close(maps, (WEIGHT * 3 * ((IMAGES + 1) / 2) ** 2 * (IMAGES - 1)).sum(1))


def test_white_glass_says_nothing():
    images = IMAGES.clone()
    images[:, :, 4:9, 5:20] = 1
    assert IntegratedGradients(steps=4)(small_network(), images, ONES, KEYS)[:, 4:9, 5:20].eq(0).all()


@pytest.mark.parametrize("baseline", ["white", "blur", "mean_tissue"])
def test_of_a_linear_model_it_is_the_weighted_difference_to_the_baseline(baseline):
    model = LinearNetwork(WEIGHT)
    model.register_buffer("mean", torch.tensor([0.7, 0.5, 0.6]).view(1, 3, 1, 1))
    explainer = IntegratedGradients(baseline=baseline, blur_px=2.0, steps=3)
    expected = (WEIGHT * (IMAGES - explainer.reference(model, IMAGES))).sum(1)
    torch.testing.assert_close(explainer(model, IMAGES, ONES, KEYS), expected)


def test_a_classifier_adds_up_the_better_the_more_steps():
    model = small_classifier()
    promised = margins(model, IMAGES, ONES) - margins(model, torch.ones_like(IMAGES), ONES)
    few, some, many = (error(model, IntegratedGradients(steps=steps)).abs().mean() for steps in (2, 16, 128))
    assert few > 3 * some > 9 * many
    assert many < 0.01 * promised.abs().mean()


@pytest.mark.parametrize("baseline", ["blur", "mean_tissue"])
def test_a_classifier_adds_up_against_every_baseline(baseline):
    model = small_classifier()
    explainer = IntegratedGradients(baseline=baseline, blur_px=2.0, steps=128)
    there = explainer.reference(model, IMAGES)
    promised = margins(model, IMAGES, ONES) - margins(model, there, ONES)
    assert error(model, explainer).abs().mean() < 0.02 * promised.abs().mean()


def test_step_by_step_it_is_captums_one_great_batch():
    model, targets = small_network(classes=3), torch.tensor([0, 2, 1, 2])
    ours = IntegratedGradients(steps=7)(model, IMAGES, targets, KEYS)
    theirs = CaptumIntegratedGradients(AllMargins(model.eval())).attribute(
        IMAGES, baselines=1.0, target=targets, n_steps=7
    )
    torch.testing.assert_close(ours, theirs.sum(1), rtol=1e-4, atol=1e-6)


def test_a_step_costs_one_pass_there_and_back():
    assert IntegratedGradients(steps=7).passes() == Passes(7, 7)
    with pytest.raises(ValidationError):
        IntegratedGradients(steps=0)

"""FusionGrad over any base."""

import pytest
import torch
from pydantic import ValidationError

from tasks.explainers.base import ExplanationError
from tasks.explainers.fusiongrad import FusionGrad
from tasks.explainers.gradient import Gradient
from tasks.explainers.noisegrad import NoiseGrad
from tasks.explainers.smoothgrad import SmoothGrad
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.noise import normal
from tasks.functional.passes import Passes
from tests._support.naive_noise import naive_fusiongrad
from tests._support.small_networks import LinearNetwork, PowerNetwork, small_network, state_of

KEYS = torch.arange(3)
ONES = torch.ones(3, dtype=torch.int64)
IMAGES = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
WEIGHT = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(1))
INPUTS = (IMAGES, ONES, KEYS)


@pytest.mark.parametrize(("draws", "samples"), [(3, 2), (2, 3), (1, 1)])
def test_it_agrees_with_one_image_at_a_time_at_half_of_both_sigmas(draws, samples):
    """Both orders of n and m: public code indexes its buffer the wrong way round and fails for n > m."""
    model = small_network()
    maps = FusionGrad(sigma=0.3, input_sigma=0.2, draws=draws, samples=samples, seed=2)(model, *INPUTS)
    half = naive_fusiongrad(model, INPUTS, (0.15, 0.1), 2, (draws, samples))
    whole = naive_fusiongrad(model, INPUTS, (0.3, 0.2), 2, (draws, samples))
    torch.testing.assert_close(maps, half, rtol=1e-6, atol=1e-6)
    assert not torch.allclose(maps, whole, atol=1e-3)


def test_of_a_linear_model_it_is_noisegrad_at_half_its_sigma():
    model = LinearNetwork(WEIGHT)
    fused = FusionGrad(sigma=0.4, draws=5, samples=3)(model, *INPUTS)
    torch.testing.assert_close(fused, NoiseGrad(sigma=0.2, draws=5)(model, *INPUTS), rtol=1e-5, atol=1e-6)


def test_of_a_quadratic_model_with_hardly_any_weight_noise_it_is_smoothgrad_at_half_its_sigma():
    """Trap: public code multiplies the image by the noise instead of adding it."""
    model = PowerNetwork(WEIGHT, 2)
    fused = FusionGrad(sigma=1e-7, input_sigma=0.6, draws=3, samples=2)(model, *INPUTS)
    smooth = SmoothGrad(sigma=0.3, samples=6)(model, *INPUTS)
    torch.testing.assert_close(fused, smooth, rtol=1e-4, atol=1e-5)


def test_every_network_sees_images_of_its_own():
    model = PowerNetwork(WEIGHT, 2)
    with leave_as_found(model), torch.no_grad():
        explainer = FusionGrad(sigma=1e-7, input_sigma=0.6, draws=4, samples=2)
        _, variance = explainer.attribute_with_variance(model, *INPUTS)
    noise = torch.stack([normal(0, KEYS, number, (3, 16, 16)) for number in range(8)])
    expected = (2 * WEIGHT * 0.3 * noise).sum(2).var(0, correction=0)
    torch.testing.assert_close(variance, expected, rtol=1e-3, atol=1e-4)


def test_it_costs_draws_times_samples_times_the_base():
    assert FusionGrad(draws=3, samples=5).passes() == Passes(15, 15)
    assert FusionGrad(draws=3, samples=5, base=SmoothGrad(samples=2)).passes() == Passes(30, 30)


def test_the_defaults_of_all_three_spend_the_same():
    """Only at equal numbers of gradients can they be set against one another."""
    assert FusionGrad().passes() == NoiseGrad().passes() == SmoothGrad().passes() == Gradient().passes() * 16


def test_the_whole_model_is_as_it_was():
    model = small_network()
    before = state_of(model)
    FusionGrad(sigma=0.9, draws=3, samples=2)(model, *INPUTS)
    assert state_of(model) == before


def test_a_sigma_that_waits_is_said_so_and_stays_whole_until_it_is_used():
    with pytest.raises(ExplanationError, match=r"fusiongrad.sigma is 'calibrated'"):
        FusionGrad()(small_network(), *INPUTS)
    assert FusionGrad().calibrated(0.3) == FusionGrad(sigma=0.3)


@pytest.mark.parametrize("wrong", [{"draws": 0}, {"samples": 0}, {"input_sigma": 0.0}, {"sigma": -1.0}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        FusionGrad(**wrong)

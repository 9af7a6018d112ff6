"""SmoothGrad over any base."""

import numpy as np
import pytest
import torch
from captum.attr import NoiseTunnel, Saliency
from pydantic import ValidationError

from tasks.explainers.gradient import Gradient
from tasks.explainers.smoothgrad import SmoothGrad
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.noise import derived_keys, normal
from tasks.functional.passes import Passes
from tests._support.small_networks import LinearNetwork, PowerNetwork, small_network

KEYS = torch.arange(3)
ONES = torch.ones(3, dtype=torch.int64)
IMAGES = torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
WEIGHT = torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(1))


def test_of_a_linear_model_it_is_the_gradient():
    model = LinearNetwork(WEIGHT)
    maps = SmoothGrad(samples=7, sigma=0.5)(model, IMAGES, ONES, KEYS)
    torch.testing.assert_close(maps, Gradient()(model, IMAGES, ONES, KEYS), rtol=1e-6, atol=1e-6)


def test_of_a_quadratic_model_it_is_the_gradient_at_the_mean_noisy_image():
    """The gradient 2 w x is linear in x, so the mean over draws is known for the very noise drawn."""
    explainer = SmoothGrad(samples=5, sigma=0.3, seed=4)
    mean = torch.stack([normal(4, KEYS, draw, (3, 8, 8)) for draw in range(5)]).mean(0)
    expected = (2 * WEIGHT * (IMAGES + 0.3 * mean)).sum(1)
    torch.testing.assert_close(explainer(PowerNetwork(WEIGHT, 2), IMAGES, ONES, KEYS), expected)


def test_of_a_cubic_model_it_tends_to_its_expectation():
    """E[3 w (x + sigma e)^2] = 3 w (x^2 + sigma^2): smoothing adds sigma squared."""
    samples, sigma = 400, 0.4
    maps = SmoothGrad(samples=samples, sigma=sigma)(PowerNetwork(WEIGHT, 3), IMAGES, ONES, KEYS)
    expected = (3 * WEIGHT * (IMAGES**2 + sigma**2)).sum(1)
    variance = ((3 * WEIGHT) ** 2 * (4 * IMAGES**2 * sigma**2 + 2 * sigma**4)).sum(1) / samples
    z = (maps - expected) / variance.sqrt()
    assert abs(z.mean()) < 4 / z.numel() ** 0.5
    assert z.std().item() == pytest.approx(1, abs=0.2)


def test_it_tends_to_captums_noise_tunnel():
    model = small_network().eval()
    images = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(2))
    ours = SmoothGrad(samples=600, sigma=0.2)(model, images, ONES[:1], KEYS[:1])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = NoiseTunnel(Saliency(lambda x: model(x)[:, 1] - model(x)[:, 0])).attribute(
            images, nt_samples=600, stdevs=0.2, abs=False, nt_samples_batch_size=100
        )
    theirs = theirs.sum(1)
    assert torch.corrcoef(torch.stack([ours.flatten(), theirs.flatten()]))[0, 1] > 0.98


def test_noise_is_not_clamped_on_white():
    """On white glass clamping would halve the noise; the mean of a quadratic model shows it is whole."""
    white = torch.ones(3, 3, 8, 8)
    maps = SmoothGrad(samples=300, sigma=0.3)(PowerNetwork(torch.ones(3, 8, 8), 2), white, ONES, KEYS)
    assert maps.mean().item() == pytest.approx(6.0, abs=0.05)


def test_magnitudes_are_averaged_where_the_base_gives_them():
    weight = torch.zeros(3, 8, 8)
    weight[0] = 1.0
    model, centre = PowerNetwork(weight, 2), torch.zeros(3, 3, 8, 8)
    signed = SmoothGrad(samples=200, sigma=1.0)(model, centre, ONES, KEYS)
    sizes = SmoothGrad(base={"name": "gradient", "reduce": "l2"}, samples=200, sigma=1.0)
    assert abs(signed.mean().item()) < 0.1
    assert sizes(model, centre, ONES, KEYS).mean().item() == pytest.approx(
        2 * (2 / torch.pi) ** 0.5, rel=0.03
    )


def test_it_may_hold_itself_and_draws_anew_inside():
    outer = SmoothGrad(base=SmoothGrad(samples=1, sigma=0.3), samples=3, sigma=0.2)
    assert outer.passes() == Passes(3, 3)
    inside = [normal(0, derived_keys(0, KEYS, draw), 0, (3, 8, 8)) for draw in range(3)]
    outside = [normal(0, KEYS, draw, (3, 8, 8)) for draw in range(3)]
    mean = (0.3 * torch.stack(inside) + 0.2 * torch.stack(outside)).mean(0)
    expected = (2 * WEIGHT * (IMAGES + mean)).sum(1)
    torch.testing.assert_close(outer(PowerNetwork(WEIGHT, 2), IMAGES, ONES, KEYS), expected)
    assert not torch.allclose(inside[0], inside[1])


def test_the_mean_of_magnitudes_by_choice():
    """Trap: the magnitude of the mean is another estimator; about its centre a parabola tells them apart."""
    weight = torch.zeros(3, 8, 8)
    weight[0] = 1.0
    explainer = SmoothGrad(average="magnitude", samples=200, sigma=1.0)
    maps = explainer(PowerNetwork(weight, 2), torch.zeros(3, 3, 8, 8), ONES, KEYS)
    assert maps.mean().item() == pytest.approx(2 * (2 / torch.pi) ** 0.5, rel=0.03)
    assert maps.min() >= 0
    assert not explainer.signed_maps
    assert SmoothGrad().signed_maps
    assert not SmoothGrad(base={"name": "gradient", "reduce": "l2"}).signed_maps


def test_variance_over_the_draws_of_a_quadratic_model():
    """The gradient 2 w (x + sigma e) has the variance of its noise, which is known draw by draw."""
    explainer, model = SmoothGrad(samples=6, sigma=0.3, seed=4), PowerNetwork(WEIGHT, 2)
    with leave_as_found(model), torch.no_grad():
        mean, variance = explainer.attribute_with_variance(model, IMAGES, ONES, KEYS)
    maps = [(2 * WEIGHT * (IMAGES + 0.3 * normal(4, KEYS, d, (3, 8, 8)))).sum(1).numpy() for d in range(6)]
    np.testing.assert_allclose(mean, np.mean(maps, axis=0), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(variance, np.var(maps, axis=0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "wrong", [{"samples": 0}, {"sigma": 0.0}, {"base": "nope"}, {"sigmas": 1}, {"average": "abs"}]
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        SmoothGrad(**wrong)


@pytest.mark.parametrize("control", ["random_map", "optical_density", "untrained_network"])
def test_a_control_is_no_base(control):
    with pytest.raises(ValidationError, match=f"'{control}' is a control"):
        SmoothGrad(base=control)

"""Expected gradients over random baselines, places and noise."""

import numpy as np
import pytest
import torch
from captum.attr._core.gradient_shap import InputBaselineXGradient
from pydantic import ValidationError

from tasks.explainers.gradient_shap import GradientShap
from tasks.explainers.integrated_gradients import IntegratedGradients
from tasks.functional.blur import gaussian_blur
from tasks.functional.gradients import input_gradient
from tasks.functional.noise import normal, seed_of, uniform
from tasks.functional.tile_keys import tile_keys
from tests._support.explained import AllMargins, margins, small_classifier
from tests._support.small_networks import LinearNetwork, PowerNetwork, small_network

GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.rand(3, 3, 16, 16, generator=GENERATOR)
WEIGHT = torch.randn(3, 16, 16, generator=GENERATOR)
KEYS, ONES = tile_keys(["a", "b", "c"]), torch.ones(3, dtype=torch.int64)
SHAP = GradientShap(draws=5, sigma=0.2, blur_px=2.0, seed=3)


def drawn(shap: GradientShap, draw: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The noisy image, the baseline and the place of one draw, tile by tile."""
    places, noisy, baselines = [], [], []
    for image, key in zip(IMAGES.split(1), KEYS.split(1), strict=True):
        choice = int(uniform(seed_of(shap.seed, "baseline"), key, draw, ()).item() * len(shap.baselines))
        white = shap.baselines[choice] == "white"
        baselines.append(torch.ones_like(image) if white else gaussian_blur(image, shap.blur_px))
        places.append(uniform(seed_of(shap.seed, "place"), key, draw, (1,)))
        noisy.append(image + shap.sigma * normal(seed_of(shap.seed, "noise"), key, draw, (3, 16, 16)))
    return torch.cat(noisy), torch.cat(baselines), torch.cat(places).float().view(-1, 1, 1, 1)


def test_it_is_the_naive_loop():
    model, total = small_network(), torch.zeros(3, 16, 16)
    maps = SHAP(model, IMAGES, ONES, KEYS)
    model.eval()
    for draw in range(5):
        noisy, baseline, place = drawn(SHAP, draw)
        gradient = input_gradient(model, baseline + place * (noisy - baseline), ONES)
        total += ((noisy - baseline) * gradient).sum(1)
    torch.testing.assert_close(maps, total / 5, rtol=1e-4, atol=1e-6)


def test_it_is_captums_for_the_same_draws(monkeypatch):
    model, targets, total = small_network(classes=3), torch.tensor([0, 2, 1]), torch.zeros(3, 16, 16)
    maps = SHAP(model, IMAGES, targets, KEYS)
    method = InputBaselineXGradient(AllMargins(model.eval()))
    for draw in range(5):
        noisy, baseline, place = drawn(SHAP, draw)
        monkeypatch.setattr(np.random, "uniform", lambda *_, place=place: place.flatten().numpy())
        total += method.attribute(noisy.requires_grad_(), baseline, target=targets).detach().sum(1)
    torch.testing.assert_close(maps, total / 5, rtol=1e-4, atol=1e-6)


def test_of_a_linear_model_it_is_the_mean_weighted_difference():
    mean = torch.stack([drawn(SHAP, draw)[0] - drawn(SHAP, draw)[1] for draw in range(5)]).mean(0)
    maps = SHAP(LinearNetwork(WEIGHT), IMAGES, ONES, KEYS)
    torch.testing.assert_close(maps, (WEIGHT * mean).sum(1), rtol=1e-4, atol=1e-5)


def test_it_tends_to_the_integrated_gradients():
    """The mean of 2 w (1 + a d) d over uniform a is w (x^2 - 1), its variance (2 w d^2)^2 / 12."""
    draws, weight = 500, WEIGHT[:1]
    images = IMAGES[:, :1]
    shap = GradientShap(draws=draws, sigma=0.0, baselines=("white",))
    maps = shap(PowerNetwork(weight, 2), images, ONES, KEYS)
    exact = IntegratedGradients(steps=1)(PowerNetwork(weight, 2), images, ONES, KEYS)
    spread = (2 * weight[0] * (images[:, 0] - 1) ** 2).abs() / 12**0.5 / draws**0.5
    # One place for all pixels of a tile: the error in units of its spread is the same for all of them.
    z = ((maps - exact) / spread * weight[0].sign()).flatten(1)
    assert z.std(1).max() < 0.02
    assert z.mean(1).abs().max() < 3
    assert z.mean(1).abs().min() > 0


def test_it_adds_up_in_expectation():
    model = small_classifier()
    shap = GradientShap(draws=300, sigma=0.0, baselines=("white",))
    promised = margins(model, IMAGES, ONES) - margins(model, torch.ones_like(IMAGES), ONES)
    error = shap(model, IMAGES, ONES, KEYS).sum((1, 2)) - promised
    assert error.abs().mean() < 0.2 * promised.abs().mean()
    assert not shap.complete


def test_all_baselines_are_drawn_alike_and_nothing_goes_with_anything():
    keys = torch.arange(4000)
    choice = SHAP._choice(keys, 0).double()
    place = SHAP._place(keys, 0, torch.zeros(1)).flatten().double()
    noise = normal(seed_of(3, "noise"), keys, 0, (1,)).flatten().double()
    assert set(choice.tolist()) == {0.0, 1.0}
    assert choice.mean().item() == pytest.approx(0.5, abs=0.03)
    assert place.mean().item() == pytest.approx(0.5, abs=0.02)
    together = torch.corrcoef(torch.stack([choice, place, noise])) - torch.eye(3)
    assert together.abs().max() < 0.06


@pytest.mark.parametrize(
    "wrong", [{"draws": 0}, {"sigma": -0.1}, {"baselines": ()}, {"baselines": ["black"]}]
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        GradientShap(**wrong)

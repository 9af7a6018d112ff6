"""Additive noise: its formula, and the mean variance that it shares with noise modulation."""

import pytest
import torch

from tasks.regularizers.gaussian_noise import GaussianNoise
from tests._support.training_steps import make_arm, make_step, random_batch, tiny_classifier


def noisy(blend, batch):
    step = make_step(tiny_classifier(), make_arm(), batch)
    step.generator = torch.Generator().manual_seed(7)
    return GaussianNoise(blend=blend).inputs(step, {})[0], step.model


def test_known_formula():
    batch = random_batch()
    noise = torch.empty_like(batch.images).normal_(generator=torch.Generator().manual_seed(7))
    inputs, model = noisy(0.25, batch)
    assert torch.allclose(inputs, batch.images + 2**0.5 * 0.75 * model.std * noise, atol=1e-6)


def test_blend_one_is_standard_training():
    batch = random_batch()
    assert torch.equal(noisy(1.0, batch)[0], batch.images)


@pytest.mark.parametrize("blend", [0.0, 0.5])
def test_its_variance_is_the_mean_one_of_noise_modulation(blend):
    """Noise modulation adds 2 (1 - blend)^2 (x - mu)^2 to a pixel, whose mean over the data has s^2 in it."""
    batch = random_batch(count=64, tile_px=64)
    inputs, model = noisy(blend, batch)
    added = (inputs - batch.images).var(dim=(0, 2, 3))
    assert added.tolist() == pytest.approx(
        (2 * (1 - blend) ** 2 * model.std.flatten() ** 2).tolist(), rel=0.03
    )


def test_white_glass_is_not_spared():
    batch = random_batch()
    batch.images[:] = 1.0
    inputs, _ = noisy(0.5, batch)
    assert inputs.std() > 0.01

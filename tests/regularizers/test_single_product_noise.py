"""One product with noise: its formula, and the variance that it shares with noise modulation."""

import pytest
import torch

from tasks.regularizers.noise_modulation import NoiseModulation
from tasks.regularizers.single_product_noise import SingleProductNoise
from tests._support.training_steps import MEAN, make_arm, make_step, random_batch, tiny_classifier


def noisy(method, batch):
    step = make_step(tiny_classifier(), make_arm(), batch)
    step.generator = torch.Generator().manual_seed(7)
    return method.inputs(step, {})[0]


def test_known_formula():
    batch = random_batch()
    noise = torch.empty_like(batch.images).normal_(generator=torch.Generator().manual_seed(7))
    mean = torch.tensor(MEAN).view(1, 3, 1, 1)
    expected = mean + (batch.images - mean) * (1 + 2**0.5 * 0.75 * noise)
    assert torch.allclose(noisy(SingleProductNoise(blend=0.25), batch), expected, atol=1e-6)


def test_blend_one_is_standard_training():
    batch = random_batch()
    assert torch.allclose(noisy(SingleProductNoise(blend=1.0), batch), batch.images, atol=1e-6)


@pytest.mark.parametrize("blend", [0.0, 0.5])
def test_its_variance_is_that_of_noise_modulation(blend):
    batch = random_batch(count=64, tile_px=64)
    added = [noisy(kind(blend=blend), batch) - batch.images for kind in (SingleProductNoise, NoiseModulation)]
    assert added[0].mean().item() == pytest.approx(0, abs=0.005)
    assert (added[0].var() / added[1].var()).item() == pytest.approx(1, rel=0.03)

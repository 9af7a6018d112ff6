"""The formula of noise modulation, its moments, and the trap in BatchNorm."""

import pytest
import torch
from torch import nn

from tasks.regularizers.noise_modulation import NoiseModulation
from tasks.training_step.step import Finish
from tests._support.training_steps import MEAN, make_arm, make_step, random_batch, tiny_classifier


def modulated(blend, batch):
    step = make_step(tiny_classifier(), make_arm(), batch)
    step.generator = torch.Generator().manual_seed(7)
    inputs, state = NoiseModulation(blend=blend).inputs(step, {})
    assert state == {}
    return inputs


@pytest.mark.parametrize("blend", [0.0, 0.3, 1.0])
def test_known_formula(blend):
    batch = random_batch()
    noise = torch.empty_like(batch.images).normal_(generator=torch.Generator().manual_seed(7))
    mean = torch.tensor(MEAN).view(1, 3, 1, 1)
    expected = mean + (batch.images - mean) * (blend + (1 - blend) * noise**2)
    assert torch.equal(modulated(blend, batch), expected)


def test_blend_one_is_standard_training():
    batch = random_batch()
    assert torch.allclose(modulated(1.0, batch), batch.images, atol=1e-6)


def test_moments_and_no_clipping():
    """E n^2 = 1 and E n^4 = 3: the mean stays, the second moment about mu triples."""
    batch = random_batch(count=32, tile_px=64)
    mean = torch.tensor(MEAN).view(1, 3, 1, 1)
    before, after = batch.images - mean, modulated(0.0, batch) - mean
    assert after.mean().item() == pytest.approx(before.mean().item(), abs=0.005)
    assert (after.square().mean() / before.square().mean()).item() == pytest.approx(3, rel=0.03)
    assert after.max() > 2
    assert after.min() < -2


def test_noise_is_fresh_for_each_step_tile_pixel_and_channel():
    step = make_step(tiny_classifier(), make_arm(), random_batch())
    step.generator = torch.Generator().manual_seed(0)
    method = NoiseModulation(blend=0)
    first, second = (method.inputs(step, {})[0] for _ in range(2))
    assert (first != second).float().mean() > 0.99
    factor = (first - step.model.mean) / (step.images - step.model.mean)
    assert (factor[0] - factor[1]).abs().min(0).values.mean() > 0.01
    assert (factor[:, 0] - factor[:, 1]).abs().mean() > 0.1


def test_statistics_are_wrong_before_and_right_after_training():
    model = tiny_classifier()
    step = make_step(model, make_arm(), random_batch(count=64))
    step.generator = torch.Generator().manual_seed(0)
    method = NoiseModulation(blend=0)
    stem = model.network.conv1
    clean = stem((step.images - model.mean) / model.std).detach().var((0, 2, 3))
    norm = next(m for m in model.modules() if isinstance(m, nn.BatchNorm2d))
    for _ in range(60):
        model(method.inputs(step, {})[0])
    assert (norm.running_var / clean).median() > 1.1
    model.eval()
    method.after_training(Finish(model, lambda: iter([step.images])), {})
    assert torch.allclose(norm.running_var, clean, rtol=1e-3)
    assert not model.training

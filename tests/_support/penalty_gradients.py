"""Gradients of loss terms by the weights, held against finite differences in float64."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from tasks.models.classifier import Classifier
from tasks.regularizers.base import Regularizer
from tasks.training_step.step import Batch
from tests._support.training_steps import make_arm, make_step, random_batch, tiny_classifier


def smooth_classifier() -> Classifier:
    """The tiny ResNet with BatchNorm in train mode, in float64 and without kinks.

    A gradient penalty on a ReLU network jumps where a unit switches, so differences need another activation.
    """
    model = tiny_classifier().double()
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU):
                setattr(module, name, nn.Softplus())
            elif isinstance(child, nn.MaxPool2d):
                setattr(module, name, nn.AvgPool2d(2))
    return model


def assert_weight_gradients(method: Regularizer) -> None:
    """Assert that the sum of a regularizer's loss terms, from an empty state, has the gradient it claims.

    One random direction in each of: the first convolution, a BatchNorm of stage 2, the last convolution and
    the head; the same noise at every point.
    """
    model = smooth_classifier()
    for name in (
        "network.conv1.weight",
        "network.layer2.1.bn2.weight",
        "network.layer4.1.conv2.weight",
        "network.fc.weight",
    ):
        weight = model.get_parameter(name)
        direction = torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)).double()
        (gradient,) = torch.autograd.grad(_value(method, model), weight)
        size = 1e-5
        above = _shifted(method, model, weight, size * direction)
        below = _shifted(method, model, weight, -size * direction)
        analytic = (gradient * direction).sum().item()
        assert analytic == pytest.approx((above - below) / (2 * size), rel=1e-4), name
        assert abs(analytic) > 1e-6, name


def term(
    method: Regularizer, model: nn.Module, batch: Batch | None = None, seed: int = 0, **step_changes: Any
) -> torch.Tensor:
    """Return the one loss term of ``method`` from no state; ``step_changes`` replace fields of its step."""
    arm = make_arm(method, seed=seed)
    step = replace(make_step(model, arm, batch), **step_changes)
    step.settled, step.generator = True, arm.generators[0]
    (value,) = method.loss_terms(step, {})[0].values()
    return value


def assert_free_warm_up_and_linear_ramp(method: Regularizer) -> None:
    """Assert for a method of one term and no state, with the default schedule."""
    model = tiny_classifier()
    step = replace(make_step(model, make_arm(method)), progress=0.05)
    assert method.loss_terms(step, {}) == ({}, {})
    assert "main" not in vars(step)
    half, full = (term(method, model, progress=progress).item() for progress in (0.2, 0.3))
    assert half == pytest.approx(full / 2, rel=1e-5)


def assert_finite_in_bfloat16(method: Regularizer) -> None:
    """Assert finite weight gradients, and nearly the value of single precision."""
    model, batch = tiny_classifier(), random_batch(count=32)
    value = term(method, model, batch, amp=True)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(term(method, model, batch).item(), rel=0.05)
    gradients = torch.autograd.grad(value, [model.network.conv1.weight, model.network.fc.weight])
    assert all(torch.isfinite(gradient).all() and gradient.abs().sum() > 0 for gradient in gradients)


def _value(method: Regularizer, model: Classifier) -> torch.Tensor:
    batch = random_batch(count=4, tile_px=32)
    arm = make_arm(method)
    step = make_step(model, arm, replace(batch, images=batch.images.double()))
    step.settled, step.generator = True, arm.generators[0]
    return torch.stack(list(method.loss_terms(step, {})[0].values())).sum()


def _shifted(method: Regularizer, model: Classifier, weight: torch.Tensor, shift: torch.Tensor) -> float:
    with torch.no_grad():
        weight.add_(shift)
    value = _value(method, model).item()
    with torch.no_grad():
        weight.sub_(shift)
    return value

"""The sensitivity of hidden activations: closed forms, the traps of its normalisation, and its price."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from tasks.regularizers._scale import channel_scales
from tasks.regularizers.activation_sensitivity import ActivationSensitivity
from tasks.regularizers.base import TrainingPasses, step_passes
from tasks.training.objective import objective
from tests._support.penalty_gradients import assert_weight_gradients
from tests._support.staged import Staged, repeated_batch
from tests._support.training_passes import counted_training_passes
from tests._support.training_steps import make_arm, make_step, random_batch, tiny_classifier

EQUAL = torch.ones(3)


def made(variant="jacobian", weight=1.0, output_weight=1.0, **others):
    return ActivationSensitivity(variant=variant, weight=weight, output_weight=output_weight, **others)


def penalty(method, model, batch=None, state=None, seed=0, **step_changes):
    """Return the term of one step and the state after it."""
    arm = make_arm(method, seed=seed)
    step = replace(make_step(model, arm, batch), **step_changes)
    step.settled, step.generator = True, arm.generators[0]
    terms, state = method.loss_terms(step, state or {})
    return terms["sensitivity"], state


def closed_form(model, batch, weight, output_weight):
    """Return the penalty with every Jacobian written down and scales taken from the batch."""
    *hidden, out = model.jacobians(batch.images)
    maps, logits = model.observe(batch.images, model.pre_activation_layers)
    total = output_weight * out.square().sum((1, 2)).mean() / logits.shape[1]
    for jacobian, values in zip(hidden, maps, strict=True):
        deviation = values.detach().flatten(1).std(0, unbiased=False)
        total += weight * (jacobian / deviation[:, None]).square().sum((1, 2)).mean() / jacobian.shape[1]
    return total.item()


@pytest.mark.parametrize("weights", [(1.0, 0.0), (0.0, 1.0), (0.5, 2.0)], ids=["stages", "output", "both"])
@pytest.mark.parametrize("activation", [nn.Identity(), nn.ReLU()], ids=["linear", "two_layer"])
@pytest.mark.parametrize("variant", ["jacobian", "finite_difference"])
def test_its_mean_over_draws_is_the_closed_form(variant, activation, weights):
    model, batch = Staged(activation), repeated_batch(times=1500)
    value, _ = penalty(made(variant, *weights, sigma=1e-5), model, batch)
    assert value.item() == pytest.approx(closed_form(model, repeated_batch(), *weights), rel=0.04)


def test_the_joint_gradient_is_the_sum_of_separate_ones_with_cross_terms_of_mean_zero():
    model, batch = Staged(nn.ReLU()), repeated_batch(times=1500)
    joint = penalty(made(), model, batch)[0].item()
    parts = [penalty(made(weight=w, output_weight=1 - w), model, batch, seed=9)[0].item() for w in (1, 0)]
    assert joint == pytest.approx(sum(parts), rel=0.04)
    assert min(parts) > 0.05 * joint


def test_a_single_draw_is_the_squared_norm_of_the_joint_gradient():
    """Recomputed from the same draws, on the pre-activations; on the values after the ReLU it is another."""
    model, method = tiny_classifier(), made()
    arm, twin = make_arm(method), make_arm(method)
    step = make_step(model, arm)
    step.settled, step.generator = True, twin.generators[0]
    maps = step.main.pre_activations
    drawn = [step.normal(values) for values in maps] + [step.normal(step.logits)]
    scales, _ = channel_scales(step, maps, {})

    def recomputed(outputs):
        total = (drawn[-1] / drawn[-1].norm(dim=1, keepdim=True) * step.logits).sum()
        for noise, values, scale in zip(drawn, outputs, scales, strict=False):
            total = total + (noise * values / scale.detach()).sum() / values[0].numel() ** 0.5
        (gradient,) = torch.autograd.grad(total, step.inputs, retain_graph=True)
        return gradient.square().sum((1, 2, 3)).mean().item()

    step.generator = arm.generators[0]
    value = method.loss_terms(step, {})[0]["sensitivity"].item()
    assert value == pytest.approx(recomputed(maps), rel=1e-4)
    assert value != pytest.approx(recomputed([values.relu() for values in maps]), rel=0.05)


def test_each_value_of_a_map_counts_alike_however_many_there_are():
    """A linear map of four positions: the mean over values of the squared norm of their weights."""

    class Patches(Staged):
        @property
        def pre_activation_layers(self):
            return (self.network[0],)

    model = Patches(nn.Identity())
    model.network = nn.Sequential(nn.Conv2d(3, 5, 2, stride=2), nn.Flatten(), nn.Linear(20, 2)).double()
    kernel = model.network[0].weight.detach()
    batch = repeated_batch(times=1000)
    deviation = model.network[0](batch.images).detach().transpose(0, 1).flatten(1).std(1, unbiased=False)
    expected = (kernel.flatten(1) / deviation[:, None]).square().sum(1).mean().item()
    assert penalty(made(output_weight=0), model, batch)[0].item() == pytest.approx(expected, rel=0.04)


@pytest.mark.parametrize("variant", ["jacobian", "finite_difference"])
def test_shrinking_a_stage_and_undoing_it_in_the_next_gains_nothing_in_the_long_run(variant):
    """The trap that the scale is for; the plain norm of the first stage's Jacobian falls a hundredfold."""
    model, batch, method = Staged(nn.ReLU()), repeated_batch(), made(variant)
    before, state = penalty(method, model, batch)
    logits, plain = model(batch.images), model.jacobians(batch.images)[0].square().sum()
    with torch.no_grad():
        for parameter in model.network[0].parameters():
            parameter.mul_(0.1)
        model.network[2].weight.mul_(10)
    assert torch.allclose(model(batch.images), logits)
    assert model.jacobians(batch.images)[0].square().sum() == pytest.approx(0.01 * plain.item())
    first, state = penalty(method, model, batch, state)
    assert first < 0.9 * before
    for _ in range(130):
        later, state = penalty(method, model, batch, state)
    assert later.item() == pytest.approx(before.item(), rel=1e-4)


@pytest.mark.parametrize("variant", ["jacobian", "finite_difference"])
def test_no_gradient_asks_for_shrinking_either(variant):
    model = Staged(nn.ReLU())
    value, _ = penalty(made(variant, output_weight=0), model, repeated_batch())
    shrink = [*model.network[0].parameters(), model.network[2].weight]
    first, offset, second = torch.autograd.grad(value, shrink, allow_unused=True)
    slope = (first * shrink[0]).sum() - (second * shrink[2]).sum() + (offset * shrink[1]).sum()
    assert abs(slope) < 1e-9 * value
    assert first.norm() > 1e-3 * value


@pytest.mark.parametrize("variant", ["jacobian", "finite_difference"])
def test_derivatives_go_through_the_statistics_of_the_batch(variant):
    """With BatchNorm every value depends on every tile; the noisy pass is normalised by the noisy batch."""

    class Normalised(Staged):
        @property
        def pre_activation_layers(self):
            return (self.network[1],)

    model, batch = Normalised(nn.Identity()), repeated_batch()
    convolution, norm = model.network[0], nn.BatchNorm2d(5).double()
    model.network = nn.Sequential(convolution, norm, nn.Flatten(), nn.Linear(5, 2).double())

    def values_of(images):
        return norm(convolution(images))

    images, count = batch.images, len(batch.images)
    jacobian = torch.autograd.functional.jacobian(values_of, images).reshape(count, 5, -1)
    deviation = values_of(images).detach().flatten(1).std(0, unbiased=False)
    expected = (jacobian / deviation[:, None]).square().sum().item() / count / 5
    alone = torch.stack([jacobian.view(count, 5, count, -1)[i, :, i] for i in range(count)])
    assert (alone / deviation[:, None]).square().sum().item() / count / 5 < 0.9 * expected
    method = made(variant, output_weight=0, sigma=1e-5)
    values = [penalty(method, model, batch, seed=seed)[0].item() for seed in range(400)]
    assert sum(values) / len(values) == pytest.approx(expected, rel=0.07)


@pytest.mark.parametrize(
    ("method", "passes", "parts"),
    [
        (made(), TrainingPasses(double_backward=1), {"input_graph", "pre_activations"}),
        (made(output_weight=0), TrainingPasses(double_backward=1), {"input_graph", "pre_activations"}),
        (made(weight=0), TrainingPasses(double_backward=1), {"input_graph"}),
        (made("finite_difference"), TrainingPasses(forward=1, full_backward=1), {"pre_activations"}),
        (made("finite_difference", weight=0), TrainingPasses(forward=1, full_backward=1), set()),
    ],
    ids=["both", "stages", "output", "difference", "difference_of_output"],
)
def test_each_setting_pays_for_what_it_uses(method, passes, parts):
    assert method.passes() == passes
    assert method.cached_values() == parts
    model, arm = tiny_classifier(), make_arm(method)
    step = make_step(model, arm)
    with counted_training_passes(model, 8) as spent:
        loss, _ = objective(step, arm, EQUAL)
        torch.autograd.backward(loss, inputs=list(model.parameters()))
    assert spent.passes == step_passes((method,))
    assert step.inputs.requires_grad == ("input_graph" in parts)


@pytest.mark.parametrize("variant", ["jacobian", "finite_difference"])
def test_without_an_output_weight_the_head_is_left_out(variant):
    model = Staged(nn.Softplus())
    value, _ = penalty(made(variant, output_weight=0), model, repeated_batch())
    assert torch.autograd.grad(value, model.network[5].weight, allow_unused=True) == (None,)


def test_warm_up_costs_nothing_and_the_ramp_is_linear():
    model, method = tiny_classifier(), made(warmup=0.1, ramp=0.2)
    step = replace(make_step(model, make_arm(method)), progress=0.05)
    state = {"variance0": torch.ones(4)}
    assert method.loss_terms(step, state) == ({}, state)
    assert "main" not in vars(step)
    half, full = (penalty(method, model, progress=progress)[0].item() for progress in (0.2, 0.3))
    assert half == pytest.approx(full / 2, rel=1e-5)


@pytest.mark.parametrize("variant", ["jacobian", "finite_difference"])
def test_bfloat16_gives_finite_weight_gradients_and_nearly_the_same_value(variant):
    model, method = tiny_classifier(), made(variant)
    batch = random_batch(count=32)
    exact = penalty(method, model, batch)[0].item()
    value, state = penalty(method, model, batch, amp=True)
    assert value.dtype == torch.float32
    # The difference of two passes carries the rounding of both, which depends on the processor's kernels.
    assert value.item() == pytest.approx(exact, rel=0.05 if variant == "jacobian" else 0.1)
    assert all(variance.dtype == torch.float32 for variance in state.values())
    gradients = torch.autograd.grad(value, list(model.network.layer1.parameters()))
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert any(gradient.abs().sum() > 0 for gradient in gradients)


def test_bfloat16_differences_of_tiny_noise_are_rounding():
    """Why the docstring warns of a small sigma: the measured sensitivity is then several times too large."""
    model, method = tiny_classifier(), made("finite_difference", sigma=0.02 / 255)
    exact, rounded = (penalty(method, model, amp=amp)[0].item() for amp in (False, True))
    assert rounded > 2 * exact


@pytest.mark.parametrize("variant", ["jacobian", "finite_difference"])
def test_weight_gradients_agree_with_finite_differences(variant):
    assert_weight_gradients(made(variant, sigma=0.01))


def test_a_network_without_known_stages_is_a_sentence():
    model = Staged(nn.ReLU())
    model.__class__ = type("Plain", (Staged,), {"pre_activation_layers": ()})
    with pytest.raises(ValueError, match="knows no pre-activations of this network; with weight 0"):
        penalty(made(), model, repeated_batch())
    assert penalty(made(weight=0), model, repeated_batch())[0] > 0


def test_without_any_weight_it_is_refused():
    with pytest.raises(ValueError, match="both 0: nothing would be added"):
        made(weight=0, output_weight=0)

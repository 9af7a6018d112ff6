"""PGD training: its attack in closed form, what the main pass sees, and what BatchNorm learns."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tasks.regularizers.adversarial import Adversarial
from tasks.regularizers.base import STANDARD, TrainingPasses, step_passes
from tasks.regularizers.noise_modulation import NoiseModulation
from tasks.training.objective import objective
from tasks.training_step.step import Finish
from tests._support.training_passes import counted_training_passes
from tests._support.training_steps import (
    linear_classifier,
    make_arm,
    make_step,
    random_batch,
    tiny_classifier,
)


def attacked(method, model, amp=False, whiten=False):
    step = make_step(model, make_arm(method), random_batch(16), amp)
    if whiten:
        step.images[::2] = 1.0
    step.generator = torch.Generator().manual_seed(7)
    inputs, state = method.inputs(step, {})
    assert state == {}
    return step, inputs


@pytest.mark.parametrize("steps", [1, 3])
def test_on_a_linear_network_every_pixel_goes_against_the_label(steps):
    """The loss is highest at x - eps sign(weight of the label - weight of the other), from any start."""
    method, model = Adversarial(steps=steps), linear_classifier()
    step, inputs = attacked(method, model, whiten=True)
    weight = model.network[0].weight.detach()
    towards = (weight[step.labels] - weight[1 - step.labels]).sign()
    assert torch.allclose(inputs, (step.images - method.eps * towards).clamp(0, 1), atol=1e-6)
    moved = (inputs - step.images).abs()
    assert step.notes["perturbation"].item() == pytest.approx(moved.mean().item(), rel=1e-5)
    # Half of the tiles are white, and half of their pixels would have to get lighter.
    assert moved.mean().item() == pytest.approx(0.75 * method.eps, rel=0.05)


@pytest.mark.parametrize("amp", [False, True], ids=["float32", "bfloat16"])
def test_the_attack_raises_the_loss_inside_its_budget(amp):
    method = Adversarial()
    step, inputs = attacked(method, tiny_classifier(), amp, whiten=True)
    assert ((inputs - step.images).abs() <= method.eps + 1e-7).all()
    assert inputs.min() >= 0
    assert inputs.max() <= 1
    step.amp = False
    with step.eval_mode(), torch.no_grad():
        before, after = (
            F.cross_entropy(step.logits_of(images), step.labels, reduction="none")
            for images in (step.images, inputs)
        )
    assert (after > before).float().mean() >= 0.9
    assert after.mean() > 1.01 * before.mean()


def test_more_steps_do_more_harm():
    losses = []
    for steps in (1, 10):
        step, inputs = attacked(Adversarial(steps=steps, eps=0.1), tiny_classifier())
        with step.eval_mode(), torch.no_grad():
            losses.append(F.cross_entropy(step.logits_of(inputs), step.labels).item())
    assert losses[1] > losses[0]


def test_the_main_pass_is_made_on_attacked_images_and_nothing_else_is():
    model, method = tiny_classifier(), Adversarial(steps=2)
    arm = make_arm(method)
    step = make_step(model, arm)
    with counted_training_passes(model, 8) as spent:
        loss, parts = objective(step, arm, torch.ones(2))
        torch.autograd.backward(loss, inputs=list(model.parameters()))
    assert not torch.equal(step.inputs, step.images)
    assert list(parts) == ["cross_entropy"]
    assert spent.passes == STANDARD + TrainingPasses(forward=2, input_backward=2)
    assert spent.passes == step_passes((method,))


@pytest.mark.parametrize(("progress", "clean"), [(0.0, True), (0.0999, True), (0.1, False)])
def test_the_images_stay_clean_while_it_warms_up(progress, clean):
    model, arm = tiny_classifier(), make_arm(Adversarial())
    step = make_step(model, arm)
    step.progress = progress
    with counted_training_passes(model, 8) as spent:
        objective(step, arm, torch.ones(2))
    assert torch.equal(step.inputs, step.images) == clean
    assert (spent.passes.forward == 1) == clean
    assert (step.notes == {}) == clean


def test_it_moves_the_input_that_others_made():
    method, noise = Adversarial(), NoiseModulation()
    arms = [make_arm(*methods) for methods in ((noise,), (noise, method))]
    steps = [make_step(tiny_classifier(), arm) for arm in arms]
    for step, arm in zip(steps, arms, strict=True):
        objective(step, arm, torch.ones(2))
    moved = steps[1].inputs - steps[0].inputs
    assert 0.5 * method.eps < moved.abs().mean() <= method.eps + 1e-5


def test_the_statistics_are_those_of_attacked_images_until_training_is_over():
    """Only the main pass teaches BatchNorm; a tile of glass attacked is darker than any tile to come."""
    model, method = tiny_classifier(), Adversarial(eps=0.2)
    step = make_step(model, make_arm(method), random_batch(32))
    step.generator = torch.Generator().manual_seed(0)
    norm = next(m for m in model.modules() if isinstance(m, nn.BatchNorm2d))
    clean = model.network.conv1((step.images - model.mean) / model.std).detach().var((0, 2, 3))
    for _ in range(60):
        model(method.inputs(step, {})[0])
    assert ((norm.running_var / clean).median() - 1).abs() > 0.02
    model.eval()
    method.after_training(Finish(model, lambda: iter([step.images])), {})
    assert torch.allclose(norm.running_var, clean, rtol=1e-3)
    assert method.acts_after_training

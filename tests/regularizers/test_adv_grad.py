"""Norm-regularised adversarial training: its change of an image in closed form, and what it is not."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tasks.regularizers.adv_grad import AdvGrad, group_rms
from tasks.regularizers.base import STANDARD, TrainingPasses, step_passes
from tasks.training.objective import objective
from tasks.training_step.step import Finish
from tests._support.training_passes import counted_training_passes
from tests._support.training_steps import make_arm, make_step, random_batch, tiny_classifier
from tests._support.two_layer import margin_weight, two_layer

EPS = 4 / 255
EQUAL = torch.ones(2)


def grey_step(model, method, count=6, tile_px=4):
    """Images far from 0 and 1, so that nothing is clipped."""
    batch = random_batch(count=count, tile_px=tile_px)
    images = (0.3 + 0.4 * batch.images).to(next(model.parameters()).dtype)
    return make_step(model, make_arm(method), replace(batch, images=images))


def loss_gradient(step):
    """Of the sum of the tiles' losses: each tile's own, as eval mode keeps them apart."""
    step.model.eval()
    leaf = step.images.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(F.cross_entropy(step.model(leaf), step.labels, reduction="sum"), leaf)
    step.model.train()
    return gradient


def change_of(method, step):
    return method.inputs(step, {})[0] - step.images


def test_the_elastic_change_is_known_on_a_linear_network():
    """g = -(1 - p) w for the margin w of the label."""
    method, model = AdvGrad(eps=0.01, eps2=0.03), two_layer()
    step = grey_step(model, method)
    side = torch.where(step.labels == 1, 1, -1)[:, None, None, None]
    weight = side * margin_weight(model, 1, 0)
    error = 1 - model(step.images).softmax(1).gather(1, step.labels[:, None])
    gradient = -error[:, :, None, None] * weight
    expected = 0.01 * gradient.sign() + 0.06 * gradient
    assert torch.allclose(change_of(method, step), expected, atol=1e-12)
    assert error.std() > 0.05


@pytest.mark.parametrize("smooth", [False, True])
def test_the_gradient_is_that_of_each_tiles_own_loss(smooth):
    method = AdvGrad(eps=0, eps2=0.05)
    step = grey_step(two_layer(smooth=smooth), method)
    assert torch.allclose(change_of(method, step), 0.1 * loss_gradient(step), atol=1e-12)


def test_the_change_of_a_tile_does_not_know_the_batch():
    """The mean of the batch would divide the gradient by the batch; BatchNorm in train mode would mix it."""
    method, model = AdvGrad(eps2=5), tiny_classifier()
    whole = grey_step(model, method, count=8, tile_px=32)
    part = make_step(
        model,
        make_arm(method),
        replace(whole.batch, images=whole.images[:2], labels=whole.labels[:2]),
    )
    assert torch.allclose(change_of(method, whole)[:2], change_of(method, part), atol=1e-6)


def test_to_first_order_the_loss_grows_by_the_norms_of_the_gradient():
    """That is what the method is for: eps |g|_1 + 2 eps2 |g|_2^2, and eps sum of the squares' lengths."""
    model = two_layer(smooth=True)
    step = grey_step(model, AdvGrad())
    gradient = loss_gradient(step)
    gains = [
        (gradient * change_of(method, step)).flatten(1).sum(1)
        for method in (AdvGrad(eps=0.01, eps2=0.03), AdvGrad(norm="group", eps=0.01, group_px=2))
    ]
    squares = gradient.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4).norm(dim=4)
    elastic = 0.01 * gradient.abs().sum((1, 2, 3)) + 0.06 * gradient.square().sum((1, 2, 3))
    assert torch.allclose(gains[0], elastic)
    assert torch.allclose(gains[1], 0.01 * 2 * squares.sum((1, 2, 3)))


def test_without_a_second_weight_it_is_one_signed_step():
    method = AdvGrad(eps2=0)
    step = grey_step(two_layer(), method)
    assert torch.allclose(change_of(method, step), EPS * loss_gradient(step).sign(), atol=1e-9)


def test_a_certain_prediction_has_a_direction_and_hardly_a_size():
    """In float32 the cross-entropy itself has a gradient of zero there, and its sign would be zero."""
    model = two_layer().float()
    model.network[3].weight.data *= 1e4
    model.network[3].bias.data *= 1e4
    step = grey_step(model, AdvGrad())
    step.batch = replace(step.batch, labels=model(step.images).argmax(1))
    assert torch.equal(loss_gradient(step), torch.zeros_like(step.images))
    change = change_of(AdvGrad(eps2=1), step)
    assert torch.allclose(change.abs(), torch.tensor(EPS), atol=1e-6)


def test_every_square_changes_alike_in_every_channel():
    method = AdvGrad(norm="group", group_px=8, eps=0.01)
    step = grey_step(tiny_classifier(), method, tile_px=32)
    squares = change_of(method, step).unfold(2, 8, 8).unfold(3, 8, 8).flatten(4)
    assert torch.allclose(squares.square().mean(4).sqrt(), torch.tensor(0.01), rtol=1e-3)
    assert squares.abs().std() > 0.001


@pytest.mark.parametrize("side", [1, 2, 3, 4, 5, 16])
def test_squares_tile_any_image_and_are_smaller_at_the_edge(side):
    values = torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    rms = group_rms(values, side)
    for row in range(5):
        for column in range(7):
            top, left = row // side * side, column // side * side
            square = values[:, :, top : top + side, left : left + side].flatten(2)
            assert torch.allclose(rms[:, :, row, column], square.square().mean(2).sqrt(), atol=1e-6)


def test_a_square_without_gradient_stays_as_it_is():
    model = two_layer()
    model.network[0].weight.data[:, :, :2, :2] = 0
    method = AdvGrad(norm="group", group_px=2)
    change = change_of(method, grey_step(model, method))
    assert torch.isfinite(change).all()
    assert (change[:, :, :2, :2] == 0).all()
    assert (change[:, :, 2:].abs().mean() > EPS / 4).all()


@pytest.mark.parametrize("norm", ["elastic", "group"])
def test_the_image_stays_in_the_unit_interval(norm):
    batch = random_batch()
    batch.images[:, :, :16] = 1.0
    batch.images[:, :, 16:20] = 0.0
    step = make_step(tiny_classifier(), make_arm(AdvGrad(norm=norm)), batch)
    moved, _ = AdvGrad(norm=norm).inputs(step, {})
    assert (moved.min(), moved.max()) == (0, 1)
    assert not moved.requires_grad
    assert step.notes["perturbation"].item() == pytest.approx((moved - step.images).abs().mean().item())


def test_it_adds_its_change_to_that_of_a_method_before_it():
    method = AdvGrad()
    step = grey_step(two_layer(), method)
    change = change_of(method, step)
    step.inputs = step.images + 3
    assert torch.allclose(method.inputs(step, {})[0], step.images + 3 + change, atol=1e-9)


def test_the_network_is_trained_on_the_changed_images():
    arm = make_arm(AdvGrad(eps2=1))
    step = make_step(tiny_classifier(), arm)
    loss, parts = objective(step, arm, EQUAL)
    other = make_step(tiny_classifier(), arm)
    moved, _ = AdvGrad(eps2=1).inputs(other, {})
    assert loss.item() == pytest.approx(F.cross_entropy(tiny_classifier()(moved), step.labels).item())
    assert set(parts) == {"cross_entropy"}


@pytest.mark.parametrize("norm", ["elastic", "group"])
def test_declared_passes_are_made(norm):
    model, method = tiny_classifier(), AdvGrad(norm=norm)
    arm = make_arm(method)
    with counted_training_passes(model, 8) as spent:
        loss, _ = objective(make_step(model, arm), arm, EQUAL)
        torch.autograd.backward(loss, inputs=list(model.parameters()))
    expected = STANDARD + TrainingPasses(forward=1, input_backward=1)
    assert spent.passes == step_passes((method,)) == expected


def test_before_warm_up_it_is_standard_training_and_costs_nothing():
    model, arm = tiny_classifier(), make_arm(AdvGrad(warmup=0.95))
    step = make_step(model, arm)
    with counted_training_passes(model, 8) as spent:
        loss, _ = objective(step, arm, EQUAL)
        torch.autograd.backward(loss, inputs=list(model.parameters()))
    assert spent.passes == STANDARD
    assert step.inputs is step.images


def test_statistics_are_those_of_clean_tiles_in_the_end():
    model = tiny_classifier().eval()
    images = random_batch(count=64).images
    clean = model.network.conv1((images - model.mean) / model.std).detach().var((0, 2, 3))
    norm = next(m for m in model.modules() if isinstance(m, nn.BatchNorm2d))
    norm.running_var.fill_(99)
    AdvGrad().after_training(Finish(model, lambda: iter([images])), {})
    assert torch.allclose(norm.running_var, clean, rtol=1e-3)
    assert AdvGrad().acts_after_training

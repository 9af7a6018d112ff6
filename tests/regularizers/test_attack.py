"""Attacks stay inside their budget, raise what they should, and leave no trace."""

import pytest
import torch
import torch.nn.functional as F

from tasks.functional.attack import within
from tasks.functional.divergence import kl_divergence
from tasks.functional.gradients import target_margin
from tasks.functional.odds import log_odds
from tasks.regularizers._attack import ascend, most_divergent, random_start
from tasks.regularizers.base import TrainingPasses
from tasks.training_step.step import Batch
from tests._support.trained_networks import trained_network
from tests._support.training_passes import counted_training_passes
from tests._support.training_steps import (
    linear_classifier,
    make_arm,
    make_step,
    random_batch,
    tiny_classifier,
)

EPS = 4 / 255


def step_of(model, amp=False, count=16):
    batch = random_batch(count)
    # Half of the tiles are nearly white, as glass is: there is no room above them.
    batch.images[::2] = 1 - 0.01 * batch.images[::2]
    step = make_step(model, make_arm(), batch, amp)
    step.generator = torch.Generator().manual_seed(3)
    return step


def flat(step, eps=EPS):
    return torch.full_like(step.images[:, :1], eps)


def divergence(step, images):
    """The divergence of full precision, whatever the attack was computed in."""
    step.amp = False
    with step.eval_mode(), torch.no_grad():
        return kl_divergence(step.logits_of(step.images), step.logits_of(images))


def first_gradient(step, start):
    """The gradient of the divergence that the first step of an attack from ``start`` sees."""
    clean = step.clean_logits
    with step.eval_mode(), torch.enable_grad():
        leaf = start.detach().requires_grad_()
        return torch.autograd.grad(kl_divergence(clean, step.logits_of(leaf)).sum(), leaf)[0]


def test_the_start_is_uniform_in_the_budget():
    step = step_of(tiny_classifier(), count=32)
    step.images[:] = 0.5
    moved = random_start(step, flat(step)) - 0.5
    assert moved.abs().max() <= EPS + 1e-7
    assert moved.mean().item() == pytest.approx(0, abs=EPS / 100)
    assert moved.var().item() == pytest.approx(EPS**2 / 3, rel=0.02)
    assert (moved[0] - moved[1]).abs().mean() > EPS / 10


def test_on_a_linear_network_the_attack_ends_in_the_corner_of_the_budget():
    """A margin is raised most by budget x sign(weight), wherever the attack starts; clipping is last."""
    step = step_of(linear_classifier())
    weight = step.model.network[0].weight.detach()
    budget = EPS * torch.rand(16, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    targets = step.labels

    def margin(logits):
        return target_margin(logits, targets)

    towards = (weight[targets] - weight[1 - targets]).sign()
    best = (step.images + budget * towards).clamp(0, 1)
    for steps in (1, 2, 5):
        found = ascend(step, random_start(step, budget), budget, steps, margin)
        assert torch.allclose(found, best, atol=1e-6)
        assert not found.requires_grad


@pytest.mark.parametrize("amp", [False, True], ids=["float32", "bfloat16"])
def test_no_pixel_leaves_its_own_budget_nor_the_range_of_images(amp):
    step = step_of(tiny_classifier(), amp)
    budget = EPS * torch.rand(16, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    budget[:, :, :16] = 0
    moved = most_divergent(step, budget, 3)
    assert moved.dtype == torch.float32
    assert ((moved - step.images).abs() <= budget + 1e-7).all()
    assert torch.equal(moved[:, :, :16], step.images[:, :, :16])
    assert moved.min() >= 0
    assert moved.max() <= 1


def test_within_restores_budget_and_range():
    images = torch.tensor([0.5, 0.5, 0.5, 0.99, 0.0])
    moved = torch.tensor([0.9, 0.1, 0.55, 2.0, -1.0])
    expected = torch.tensor([0.6, 0.4, 0.55, 1.0, 0.0])
    assert torch.allclose(within(moved, images, torch.tensor(0.1)), expected)


@pytest.mark.parametrize("amp", [False, True], ids=["float32", "bfloat16"])
def test_the_inner_loop_raises_the_divergence_of_the_images(amp):
    step = step_of(tiny_classifier(), amp)
    start = random_start(step, flat(step))
    clean = step.clean_logits
    found = ascend(step, start, flat(step), 3, lambda logits: kl_divergence(clean, logits))
    before, after = divergence(step, start), divergence(step, found)
    assert (after > before).float().mean() >= 0.9
    assert after.mean() > 10 * before.mean()


def test_more_steps_do_not_need_more_budget():
    step = step_of(tiny_classifier())
    for steps in (1, 10):
        moved = most_divergent(step, flat(step), steps)
        assert (moved - step.images).abs().max() <= EPS + 1e-7


def test_without_a_perturbation_the_divergence_has_no_gradient():
    """Its sign would be that of rounding noise, and where the noise is exactly 0 nothing would move."""
    step = step_of(tiny_classifier())
    at_rest, started = first_gradient(step, step.images), first_gradient(step, random_start(step, flat(step)))
    assert at_rest.abs().max() < 1e-4 * started.abs().max()
    assert (at_rest.flatten(1).abs().amax(1) == 0).float().mean() > 0.25
    assert (started.flatten(1).abs().amax(1) > 0).all()


def test_in_bfloat16_a_tiny_start_is_rounded_away():
    step = step_of(linear_classifier(scale=0.1), amp=True, count=256)
    tiny = (step.images + 1e-3 * step.normal()).clamp(0, 1)
    lost = []
    for start in (tiny, random_start(step, flat(step))):
        gradient = first_gradient(step, start)
        lost.append((gradient.flatten(1).abs().amax(1) == 0).float().mean())
    assert lost[0] > 0.1
    assert lost[1] < 0.05


@pytest.mark.parametrize("margin", [16.0, 20.0, 30.0])
def test_sure_predictions_are_attacked_along_their_margin(margin):
    """In float32 the gradient by the largest logit is 0 by rounding, and part of the attack goes astray."""
    model = linear_classifier()
    with torch.no_grad():
        model.network[0].bias.copy_(torch.tensor([margin, 0.0]))
    weight = model.network[0].weight.detach()
    difference = weight[0] - weight[1]
    step = step_of(model)
    step.images[:] = 0.5

    def effect(moved):
        return ((moved - 0.5) * difference).sum((1, 2, 3)) / (EPS * difference.abs().sum())

    assert (step.clean_logits.softmax(1)[:, 0] > 0.999).all()
    assert (effect(most_divergent(step, flat(step), 3)) < -0.9).all()
    assert (effect(most_divergent(step, flat(step), 3, "uniform")).abs() > 0.9).all()
    labels = torch.zeros_like(step.labels)
    start = random_start(step, flat(step))
    worst = ascend(step, start, flat(step), 3, lambda z: F.cross_entropy(z, labels, reduction="none"))
    assert (effect(worst) < -0.9).all()


def test_the_model_and_its_statistics_are_left_alone():
    model = tiny_classifier()
    step = step_of(model)
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    most_divergent(step, flat(step), 2)
    assert all(torch.equal(value, buffers[name]) for name, value in model.named_buffers())
    assert model.training
    assert all(p.grad is None and p.requires_grad for p in model.parameters())


def test_an_image_is_attacked_alike_in_any_company():
    step = step_of(tiny_classifier())
    start = random_start(step, flat(step))
    labels = step.labels

    def alone(place):
        part = make_step(step.model, make_arm(), random_batch(1))
        part.images[:] = step.images[place]
        return ascend(
            part, start[place : place + 1], flat(part), 2, lambda z: target_margin(z, labels[place, None])
        )

    together = ascend(step, start, flat(step), 2, lambda z: target_margin(z, labels))
    same = (torch.cat([alone(place) for place in range(4)]) - together[:4]).abs() < 1e-6
    assert same.float().mean() > 0.99


@pytest.fixture(scope="module", params=[2, 3], ids=["two classes", "three classes"])
def trained(request, tmp_path_factory):
    return trained_network(tmp_path_factory.mktemp("trained"), request.param)


def effects(trained, start, steps=3, amp=False):
    """The share of tiles more certain of their class after the attack, the divergence, and the flips."""
    model, images, labels = trained
    step = make_step(model, make_arm(), Batch(images, labels, torch.arange(len(labels)), len(labels)), amp)
    step.generator = torch.Generator().manual_seed(3)
    moved = most_divergent(step, flat(step), steps, start)
    with step.eval_mode(), torch.no_grad():
        before, after = (model(each).double() for each in (images, moved))
    predicted = before.argmax(1)
    surer = log_odds(after, predicted) > log_odds(before, predicted)
    flipped = (after.argmax(1) != predicted).double().mean().item()
    return surer.double().mean().item(), kl_divergence(before, after).mean().item(), flipped


@pytest.mark.parametrize("amp", [False, True], ids=["float32", "bfloat16"])
def test_a_trained_network_is_attacked_away_from_what_it_predicts(trained, amp):
    for steps in (1, 3, 10):
        assert effects(trained, "margin", steps, amp)[0] <= 0.05


@pytest.mark.parametrize("start", ["uniform", "published"])
def test_from_a_random_start_many_tiles_become_more_certain(trained, start):
    """Trap: the divergence rises all the same, so nobody looks at its side."""
    surer, divergence, flipped = effects(trained, start)
    _, _, also_flipped = effects(trained, "margin")
    assert surer > 0.25
    assert divergence > 0.1
    assert also_flipped > 1.25 * flipped


def test_the_start_changes_no_cost(trained):
    model, images, labels = trained
    for start in ("margin", "uniform", "published"):
        batch = Batch(images[:8], labels[:8], torch.arange(8), 8)
        step = make_step(model, make_arm(), batch)
        step.generator = torch.Generator().manual_seed(3)
        assert len(step.clean_logits) == 8  # asked for before the count begins
        with counted_training_passes(model, 8) as spent:
            most_divergent(step, flat(step), 4, start)
        assert spent.passes == TrainingPasses(forward=4, input_backward=4)

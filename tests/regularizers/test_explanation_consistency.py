"""Explanation-consistency reweighting: what is attacked, what agreement is, and the size of steps."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from tasks.regularizers.base import STANDARD, TrainingPasses, step_passes
from tasks.regularizers.explanation_consistency import ExplanationConsistency, relative
from tasks.training.objective import objective
from tests._support.training_passes import counted_training_passes
from tests._support.training_steps import (
    linear_classifier,
    make_arm,
    make_step,
    random_batch,
    tiny_classifier,
)
from tests._support.two_layer import two_layer

EPS = 4 / 255
EQUAL = torch.ones(2)
PIXELS = 32 * 32


def seeded_step(method, model, batch=None, progress=0.9):
    step = make_step(model, make_arm(method), batch)
    step.generator, step.settled = torch.Generator().manual_seed(3), True
    step.progress = progress
    return step


def attack_with(monkeypatch, moved):
    monkeypatch.setattr(ExplanationConsistency, "_attacked", lambda *_: moved.clone())


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_only_the_pixels_of_lowest_saliency_move_and_within_their_budget(share):
    method = ExplanationConsistency(share=share)
    step = seeded_step(method, tiny_classifier())
    moved = (method._attacked(step) - step.images).abs().amax(1).flatten(1)
    height = step.saliency.abs().mean(1).flatten(1)
    lowest = height < height.sort(1).values[:, round(share * PIXELS), None]
    assert lowest.sum(1).tolist() == [round(share * PIXELS)] * 8
    assert (moved[~lowest] == 0).all()
    assert moved.max() <= EPS + 1e-7
    assert moved[lowest].mean() > EPS / 2


def test_on_a_linear_network_maps_agree_and_the_prediction_alone_counts():
    method, model = ExplanationConsistency(), linear_classifier()
    step = seeded_step(method, model)
    disagreement = method._disagreement(step)
    step.generator.manual_seed(3)
    with torch.no_grad():
        first, second = (model(each).softmax(1)[:, 0] for each in (step.images, method._attacked(step)))
    assert torch.allclose(disagreement, (first - second).abs(), atol=1e-6)
    assert disagreement.median() > 0.05
    assert step.notes["heatmap_agreement"].item() == pytest.approx(1, abs=1e-6)
    assert step.notes["agreement"].item() == pytest.approx(1 - disagreement.mean().item(), abs=1e-6)


def test_agreement_is_the_product_of_cosine_and_overlap(monkeypatch):
    model, method = two_layer(smooth=True), ExplanationConsistency()
    batch = random_batch(count=6, tile_px=4)
    step = seeded_step(method, model, replace(batch, images=batch.images.double()))
    moved = 1 - step.images
    attack_with(monkeypatch, moved)

    def explained(images):
        leaf = images.clone().requires_grad_()
        logits = model(leaf)
        margin = logits.gather(1, step.labels[:, None]) - logits.gather(1, 1 - step.labels[:, None])
        (gradient,) = torch.autograd.grad(margin.sum(), leaf)
        return gradient.abs().mean(1).flatten(1), logits.softmax(1).detach()

    (one, first), (two, second) = explained(step.images), explained(moved)
    agreement = F.cosine_similarity(one, two) * torch.minimum(first, second).sum(1)
    assert torch.allclose(method._disagreement(step), 1 - agreement, atol=1e-10)
    assert (F.cosine_similarity(one, two) < 0.99).any()


def test_the_size_of_a_heatmap_is_no_disagreement(monkeypatch):
    """Logits twice as large over the same evidence: the maps point the same way."""
    model, method = linear_classifier(), ExplanationConsistency()
    step = seeded_step(method, model)
    attack_with(monkeypatch, step.images)
    first = step.saliency
    vars(step)["saliency"] = 3 * first
    assert method._disagreement(step).abs().max() < 1e-6


def test_weights_have_mean_one_and_grow_with_disagreement():
    method = ExplanationConsistency(ramp=0)
    step = seeded_step(method, tiny_classifier())
    weights, state = method.sample_weights(step, {})
    step.generator.manual_seed(3)
    disagreement = method._disagreement(step)
    assert state == {}
    assert not weights.requires_grad
    assert weights.mean().item() == pytest.approx(1, abs=1e-6)
    assert torch.allclose(weights / weights[0], disagreement / disagreement[0], rtol=1e-4)
    assert weights.std() > 0.01


def test_the_mean_is_that_of_the_whole_batch():
    """Other processes may hold the rest of it."""
    step = seeded_step(ExplanationConsistency(), tiny_classifier())
    step.mean_over_batch = lambda values: 4 * values.mean(0)
    values = torch.arange(8.0)
    assert torch.allclose(relative(step, values), values / values.mean() / 4)


def test_where_all_agree_all_weigh_one(monkeypatch):
    method = ExplanationConsistency()
    step = seeded_step(method, tiny_classifier())
    assert torch.equal(relative(step, torch.zeros(8)), torch.ones(8))
    attack_with(monkeypatch, step.images)
    assert torch.equal(method.sample_weights(step, {})[0], torch.ones(8))


def test_little_disagreement_is_told_apart(monkeypatch):
    """1 - cos is half the squared angle: 5e-9 for the first four tiles, which 1 - E would round to 0."""
    model, method = linear_classifier(), ExplanationConsistency()
    weight = model.network[0].weight.data
    weight[0], weight[1] = 0, 1
    step = seeded_step(method, model)
    attack_with(monkeypatch, step.images)
    angle = torch.tensor([1e-4] * 4 + [2e-4] * 4)[:, None, None, None]
    halves = torch.where(torch.arange(32) < 16, 1, -1)
    vars(step)["saliency"] = (1 + angle * halves).expand(-1, 3, 32, -1)
    weights, _ = method.sample_weights(step, {})
    assert weights.tolist() == pytest.approx([0.4] * 4 + [1.6] * 4, rel=0.01)


def test_the_loss_is_the_weighted_cross_entropy():
    arm = make_arm(ExplanationConsistency(ramp=0))
    step = make_step(tiny_classifier(), arm)
    loss, parts = objective(step, arm, EQUAL)
    other = seeded_step(arm.regularizers[0], tiny_classifier())
    other.generator.manual_seed(0)
    weights, _ = arm.regularizers[0].sample_weights(other, {})
    assert set(parts) == {"cross_entropy"}
    assert loss.item() == pytest.approx((weights * step.cross_entropy).mean().item(), rel=1e-5)


def test_the_weights_are_not_trained_through():
    """Else the network could lower its loss by making the tiles it gets wrong agree."""
    model, method = tiny_classifier(), ExplanationConsistency()
    step = seeded_step(method, model)
    assert method.sample_weights(step, {})[0].grad_fn is None
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("steps", [1, 3])
def test_declared_passes_are_made(steps):
    model, method = tiny_classifier(), ExplanationConsistency(steps=steps)
    arm = make_arm(method)
    with counted_training_passes(model, 8) as spent:
        loss, _ = objective(make_step(model, arm), arm, EQUAL)
        torch.autograd.backward(loss, inputs=list(model.parameters()))
    expected = STANDARD + TrainingPasses(forward=steps + 2, input_backward=steps + 2)
    assert spent.passes == step_passes((method,)) == expected


def test_before_warm_up_it_is_standard_training_and_costs_nothing():
    model, arm = tiny_classifier(), make_arm(ExplanationConsistency(warmup=0.95))
    with counted_training_passes(model, 8) as spent:
        step = make_step(model, arm)
        loss, _ = objective(step, arm, EQUAL)
        torch.autograd.backward(loss, inputs=list(model.parameters()))
    assert spent.passes == STANDARD
    assert torch.equal(loss, step.cross_entropy.mean())


def test_half_way_up_the_ramp_the_weights_are_half_way_from_one():
    method = ExplanationConsistency(warmup=0.2, ramp=0.4)
    weights = [
        method.sample_weights(seeded_step(method, tiny_classifier(), progress=p), {})[0] for p in (0.4, 0.6)
    ]
    assert torch.allclose(weights[0] - 1, (weights[1] - 1) / 2, atol=1e-6)

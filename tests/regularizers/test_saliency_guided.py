"""Saliency-guided training: which pixels are filled, with what, and the divergence that follows."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from tasks.regularizers.base import STANDARD, TrainingPasses, step_passes
from tasks.regularizers.saliency_guided import SaliencyGuided
from tasks.training.objective import objective
from tests._support.finite_differences import slopes
from tests._support.training_passes import counted_training_passes
from tests._support.training_steps import (
    linear_classifier,
    make_arm,
    make_step,
    random_batch,
    tiny_classifier,
)
from tests._support.two_layer import two_layer

EQUAL = torch.ones(2)
PIXELS = 32 * 32


def seeded_step(method, model, batch=None):
    step = make_step(model, make_arm(method), batch)
    step.generator, step.settled = torch.Generator().manual_seed(3), True
    return step


def margin_gradient(model):
    """[3, H, W]: of the margin of class 1; that of class 0 is its negative."""
    weight = model.network[0].weight.detach()
    return weight[1] - weight[0]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.7, 1.0])
@pytest.mark.parametrize("settings", [{"rank": "magnitude"}, {"rank": "signed"}, {"mask": "random"}])
def test_exactly_the_share_is_filled_in_every_image(share, settings):
    method = SaliencyGuided(share=share, **settings)
    step = seeded_step(method, tiny_classifier())
    chosen = method._chosen(step)
    assert chosen.flatten(1).sum(1).tolist() == [round(share * PIXELS)] * 8


def test_the_lowest_by_magnitude_are_filled():
    """The magnitude is that of each channel: opposite signs do not cancel."""
    method, model = SaliencyGuided(share=0.5), linear_classifier()
    chosen = method._chosen(seeded_step(method, model)).flatten(1)
    height = margin_gradient(model).abs().mean(0).flatten()
    assert torch.equal(chosen, (height < height.sort().values[PIXELS // 2]).expand(8, -1))


def test_the_published_variant_fills_the_most_negative_ones():
    method, model = SaliencyGuided(share=0.25, rank="signed"), linear_classifier()
    chosen = method._chosen(seeded_step(method, model)).flatten(1)
    height = margin_gradient(model).mean(0).flatten()
    ordered = height.sort().values
    assert torch.equal(chosen[1::2], (height < ordered[PIXELS // 4]).expand(4, -1))
    assert torch.equal(chosen[0::2], (height > ordered[-PIXELS // 4 - 1]).expand(4, -1))


def test_pixels_of_equal_saliency_are_taken_at_random():
    """Else the top rows of a network that is flat somewhere would always be the ones to be filled."""
    model = linear_classifier()
    model.network[0].weight.data.zero_()
    method = SaliencyGuided(share=0.5)
    step = seeded_step(method, model)
    first, second = method._chosen(step), method._chosen(step)
    assert 0.4 < first[:, :, :16].float().mean() < 0.6
    assert 0.4 < (first == second).float().mean() < 0.6


def test_the_fill_is_uniform_between_the_extremes_of_each_image():
    batch = random_batch()
    scale = torch.linspace(0.1, 0.8, 8)[:, None, None, None]
    batch = replace(batch, images=0.1 + scale * batch.images)
    method = SaliencyGuided(share=1.0)
    step = seeded_step(method, tiny_classifier(), batch)
    filled, images = method._filled(step), step.images
    low, high = images.amin((1, 2, 3)), images.amax((1, 2, 3))
    assert (filled.amin((1, 2, 3)) >= low).all()
    assert (filled.amax((1, 2, 3)) <= high).all()
    place = ((filled - low[:, None, None, None]) / (high - low)[:, None, None, None]).flatten(1)
    assert place.mean(1).tolist() == pytest.approx([0.5] * 8, abs=0.03)
    assert place.var(1).tolist() == pytest.approx([1 / 12] * 8, abs=0.005)


def test_the_fill_is_fresh_for_each_step_tile_pixel_and_channel():
    method = SaliencyGuided(share=1.0)
    step = seeded_step(method, tiny_classifier())
    first, second = method._filled(step), method._filled(step)
    assert (first != second).float().mean() > 0.99
    for one, other in ((first[0], first[1]), (first[:, 0], first[:, 1]), (first[:, :, 1:], first[:, :, :-1])):
        assert abs(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1]) < 0.1


def test_unchosen_pixels_stay_as_they_are_and_the_note_tells_the_change():
    method = SaliencyGuided(share=0.3)
    step = seeded_step(method, tiny_classifier())
    method.loss_terms(step, {})
    step.generator.manual_seed(3)
    chosen = method._chosen(step)
    step.generator.manual_seed(3)
    filled = method._filled(step)
    assert torch.equal(torch.where(chosen, step.images, filled), step.images)
    assert ((filled != step.images) == chosen).float().mean() > 0.999
    assert step.notes["perturbation"].item() == pytest.approx((filled - step.images).abs().mean().item())


def test_the_random_mask_does_not_look_at_the_network():
    method = SaliencyGuided(mask="random")
    masks = []
    for seed in (0, 1):
        step = seeded_step(method, tiny_classifier(seed))
        masks.append(method._chosen(step))
        assert "saliency" not in vars(step)
    assert torch.equal(*masks)
    assert method.cached_values() == frozenset()


def test_the_term_is_the_divergence_in_its_published_direction():
    method = SaliencyGuided(weight=0.5)
    step = seeded_step(method, two_layer(tile_px=32).float())
    (term,) = method.loss_terms(step, {})[0].values()
    step.generator.manual_seed(3)
    with torch.no_grad():
        clean, moved = step.model(step.images), step.model(method._filled(step))
    logs = [F.log_softmax(each, dim=1) for each in (moved, clean)]
    expected = F.kl_div(*logs, log_target=True, reduction="batchmean")
    assert term.item() == pytest.approx(0.5 * expected.item(), rel=1e-4)
    assert expected > 0.01


def test_both_branches_are_trained_and_agree_with_finite_differences(monkeypatch):
    """The mask, made of ranks, is held still."""
    batch = random_batch(count=6, tile_px=4)
    batch = replace(batch, images=batch.images.double())
    model, method = two_layer(smooth=True), SaliencyGuided()
    fixed = method._filled(seeded_step(method, model, batch))
    monkeypatch.setattr(SaliencyGuided, "_filled", lambda *_: fixed)

    def term():
        return method.loss_terms(seeded_step(method, model, batch), {})[0]["divergence"]

    analytic, numeric = slopes(term, model.network[0].weight)
    assert analytic == pytest.approx(numeric, rel=1e-5)
    assert abs(numeric) > 1e-4


@pytest.mark.parametrize(
    ("settings", "extra"),
    [
        ({}, TrainingPasses(forward=2, input_backward=1, full_backward=1)),
        ({"rank": "signed"}, TrainingPasses(forward=2, input_backward=1, full_backward=1)),
        ({"mask": "random"}, TrainingPasses(forward=1, full_backward=1)),
    ],
)
def test_declared_passes_are_made_and_the_random_mask_spares_the_saliency(settings, extra):
    model, method = tiny_classifier(), SaliencyGuided(**settings)
    arm = make_arm(method)
    with counted_training_passes(model, 8) as spent:
        loss, _ = objective(make_step(model, arm), arm, EQUAL)
        torch.autograd.backward(loss, inputs=list(model.parameters()))
    assert spent.passes == step_passes((method,)) == STANDARD + extra


def test_before_warm_up_it_is_standard_training_and_costs_nothing():
    model, arm = tiny_classifier(), make_arm(SaliencyGuided(warmup=0.95))
    with counted_training_passes(model, 8) as spent:
        loss, parts = objective(make_step(model, arm), arm, EQUAL)
        torch.autograd.backward(loss, inputs=list(model.parameters()))
    assert spent.passes == STANDARD
    assert set(parts) == {"cross_entropy"}


def test_half_way_up_the_ramp_half_of_it_counts():
    method, terms = SaliencyGuided(warmup=0.2, ramp=0.4), []
    for progress in (0.4, 0.6, 0.9):
        step = seeded_step(method, tiny_classifier())
        step.progress = progress
        terms.append(method.loss_terms(step, {})[0]["divergence"].item())
    assert terms[1] == terms[2] == pytest.approx(2 * terms[0], rel=1e-6)

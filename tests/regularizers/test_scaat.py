"""SCAAT-style training: its masks by rank, its budgets, its loss in closed form, and the traps."""

import math

import pytest
import torch
import torch.nn.functional as F

from tasks.functional.blur import gaussian_blur
from tasks.functional.divergence import kl_divergence
from tasks.regularizers._attack import random_start
from tasks.regularizers.base import STANDARD, step_passes
from tasks.regularizers.scaat import FRACTIONS, Scaat
from tasks.training.objective import objective
from tests._support.attacked import attacked_by, grey_step
from tests._support.training_passes import counted_training_passes
from tests._support.training_steps import (
    linear_classifier,
    make_arm,
    make_step,
    tiny_classifier,
)

MASKS = ["low_saliency", "random", "top_saliency"]
PIXELS = 32 * 32


def linear_saliency(model):
    """The same for every image: the mean over channels of |weight of one class - weight of the other|."""
    weight = model.network[0].weight.detach()
    return (weight[1] - weight[0]).abs().mean(0).flatten()


@pytest.mark.parametrize("share", [0.1, 0.333, 0.7, 0.9999, 1.0])
@pytest.mark.parametrize("mask", MASKS)
def test_the_mask_takes_exactly_the_asked_share(monkeypatch, mask, share):
    method = Scaat(mask=mask, share=share)
    budget, _, _ = attacked_by(monkeypatch, method, grey_step(tiny_classifier(), method))
    assert (budget > 0).flatten(1).sum(1).tolist() == [round(share * PIXELS)] * 8
    assert set(budget.unique().tolist()) <= {0.0, torch.tensor(method.eps).item()}


def test_the_mask_takes_the_pixels_of_lowest_or_of_highest_saliency(monkeypatch):
    model = linear_classifier()
    order = linear_saliency(model).argsort()
    count = round(0.3 * PIXELS)
    for mask, expected in (("low_saliency", order[:count]), ("top_saliency", order[-count:])):
        method = Scaat(mask=mask, share=0.3)
        budget, _, _ = attacked_by(monkeypatch, method, grey_step(model, method))
        for row in budget.flatten(1):
            assert set(row.nonzero().flatten().tolist()) == set(expected.tolist())


def test_one_hot_pixel_does_not_set_the_mask(monkeypatch):
    """Scaled to their largest value, all other saliencies would be near 0."""
    model = linear_classifier()
    budgets = []
    for factor in (1.0, 1e6):
        with torch.no_grad():
            model.network[0].weight[:, :, 7, 9] *= factor
        method = Scaat(budget="soft")
        budgets.append(attacked_by(monkeypatch, method, grey_step(model, method))[0][:, 0])
    changed = (budgets[0] - budgets[1]).abs()
    changed[:, 7, 9] = 0
    assert changed.max() <= 1.1 * Scaat().eps / (PIXELS - 1)
    assert (budgets[1][:, 7, 9] == 0).all()


def test_equal_saliencies_are_not_taken_in_the_order_of_memory(monkeypatch):
    model = linear_classifier()
    with torch.no_grad():
        model.network[0].weight[:] = torch.tensor([0.5, -0.5]).view(2, 1, 1, 1) / PIXELS
    method = Scaat(share=0.5)
    budget, _, _ = attacked_by(monkeypatch, method, grey_step(model, method))
    rows = (budget > 0).float().flatten(1)
    assert rows.sum(1).tolist() == [PIXELS / 2] * 8
    assert rows[:, : PIXELS // 2].mean().item() == pytest.approx(0.5, abs=0.05)
    assert (rows[0] != rows[1]).float().mean().item() == pytest.approx(0.5, abs=0.1)


def test_saturated_predictions_have_a_saliency(monkeypatch):
    """The gradient of the probability is exactly 0 where the margin is large; that of the logit is not."""
    model = linear_classifier()
    with torch.no_grad():
        model.network[0].bias.copy_(torch.tensor([0.0, 200.0]))
    method = Scaat(share=0.3)
    step = grey_step(model, method)
    leaf = step.images.clone().requires_grad_()
    (of_probability,) = torch.autograd.grad(model(leaf).softmax(1)[:, 1].sum(), leaf)
    assert not of_probability.any()
    budget, _, _ = attacked_by(monkeypatch, method, step)
    expected = linear_saliency(model).argsort()[: round(0.3 * PIXELS)]
    assert all(set(row.nonzero().flatten().tolist()) == set(expected.tolist()) for row in budget.flatten(1))


@pytest.mark.parametrize("mask", MASKS)
def test_soft_budgets_fall_by_rank(monkeypatch, mask):
    method = Scaat(mask=mask, budget="soft", gamma=2)
    model = linear_classifier()
    budget, _, _ = attacked_by(monkeypatch, method, grey_step(model, method))
    steps = torch.linspace(0, 1, PIXELS) ** 2
    for row in budget.flatten(1):
        assert torch.allclose(row.sort().values, method.eps * steps, atol=1e-8)
    by_saliency = budget.flatten(1)[:, linear_saliency(model).argsort()]
    if mask == "low_saliency":
        assert torch.allclose(by_saliency, method.eps * steps.flip(0).expand(8, -1), atol=1e-8)
    if mask == "top_saliency":
        assert torch.allclose(by_saliency, method.eps * steps.expand(8, -1), atol=1e-8)


def test_the_random_mask_is_fresh_for_each_image_and_step():
    method = Scaat(mask="random", share=0.5)
    step = grey_step(tiny_classifier(), method)
    first, second = method._weights(step), method._weights(step)
    for one, other in ((first, second), (first[:4], first[4:])):
        assert (one != other).float().mean().item() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("budget", ["hard", "soft", "adaptive"])
def test_no_pixel_leaves_its_budget_and_those_without_one_stay(monkeypatch, mask, budget):
    method = Scaat(mask=mask, budget=budget, share=0.4, tau=0.02)
    step = grey_step(tiny_classifier(), method)
    step.images[::2] = 1 - 0.01 * step.images[::2]
    budgets, moved, _ = attacked_by(monkeypatch, method, step)
    assert ((moved - step.images).abs() <= budgets + 1e-7).all()
    still = (budgets == 0).expand_as(moved)
    assert torch.equal(moved[still], step.images[still])
    assert moved.min() >= 0
    assert moved.max() <= 1


def test_the_loss_on_a_linear_network_is_its_closed_form():
    """The margin m moves against its sign by eps times the summed |weights| of the mask; KL follows."""
    model = linear_classifier(scale=2)
    method = Scaat(share=0.5, weight=3, warmup=0.1, ramp=0.8)
    step = grey_step(model, method, progress=0.5)
    weight = model.network[0].weight.detach()
    difference = weight[1] - weight[0]
    chosen = linear_saliency(model).argsort()[: PIXELS // 2]
    shift = method.eps * difference.abs().flatten(1)[:, chosen].sum()
    assert shift > 0.1
    margins = (step.logits[:, 1] - step.logits[:, 0]).detach()
    against = margins - margins.sign() * shift
    clean, moved = (torch.stack([torch.zeros_like(m), m], 1) for m in (margins, against))
    terms, _ = method.loss_terms(step, {})
    assert list(terms) == ["divergence"]
    expected = 3 * 0.5 * kl_divergence(clean, moved).mean()
    assert terms["divergence"].item() == pytest.approx(expected.item(), rel=1e-4)


def test_the_weight_gradient_agrees_with_finite_differences():
    """On a linear network the attack ends in a corner, which stays where it is: only the loss moves."""
    model = linear_classifier(scale=2).double()
    weight = model.network[0].weight
    direction = torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)).double()
    method = Scaat(adversarial_weight=0.5)

    def value(shift):
        with torch.no_grad():
            weight.add_(shift * direction)
        step = grey_step(model, method)
        step.batch.images.data = step.images.double()
        total = sum(method.loss_terms(step, {})[0].values())
        return total.item(), (torch.autograd.grad(total, weight)[0] * direction).sum().item()

    size = 1e-7
    _, analytic = value(0)
    above, below = value(size)[0], value(-2 * size)[0]
    assert analytic == pytest.approx((above - below) / (2 * size), rel=1e-5)


def test_the_clean_branch_is_not_detached():
    step = grey_step(tiny_classifier(), Scaat())
    terms, _ = Scaat().loss_terms(step, {})
    (gradient,) = torch.autograd.grad(terms["divergence"], step.logits)
    assert gradient.abs().max() > 0


def test_the_cross_entropy_of_attacked_images_is_weighted_as_that_of_clean_ones(monkeypatch):
    method = Scaat(weight=0, adversarial_weight=0.5)
    step = grey_step(tiny_classifier(), method)
    step.class_weights = torch.tensor([0.2, 3.0])
    _, moved, terms = attacked_by(monkeypatch, method, step)
    losses = F.cross_entropy(step.forward(moved).logits, step.labels, reduction="none")
    expected = 0.5 * (losses * step.class_weights[step.labels]).mean()
    assert terms["cross_entropy"].item() == pytest.approx(expected.item(), rel=1e-5)
    with pytest.raises(ValueError, match="both 0"):
        Scaat(weight=0)


def contrasts(model, blur_px):
    """Tiles of one pattern in rising contrast, and a network whose margin falls with every pixel blurred."""
    pattern = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) - 0.5
    step = grey_step(model, Scaat())
    step.batch.images.data = 0.5 + torch.linspace(0.01, 1, 8).view(-1, 1, 1, 1) * pattern
    lost = pattern - gaussian_blur(pattern, blur_px)
    with torch.no_grad():
        model.network[0].weight[1] = 20 * lost[0] / (lost * pattern).sum()
        model.network[0].weight[0] = 0
        model.network[0].bias.copy_(torch.tensor([5.0, 0.0]))
    return step


def test_the_adaptive_share_is_the_largest_that_spares_the_prediction(monkeypatch):
    model, method = linear_classifier(), Scaat(budget="adaptive", tau=0.03)
    step = contrasts(model, method.blur_px)
    order, blurred = linear_saliency(model).argsort(), gaussian_blur(step.images, method.blur_px)
    best = torch.zeros(8)
    for share in FRACTIONS:
        mixed = step.images.flatten(2).clone()
        chosen = order[: round(share * PIXELS)]
        mixed[:, :, chosen] = blurred.flatten(2)[:, :, chosen]
        kl = kl_divergence(model(step.images), model(mixed.view_as(step.images)))
        best[kl <= method.tau] = round(share * PIXELS)
    budget, _, _ = attacked_by(monkeypatch, method, step)
    assert (budget > 0).flatten(1).sum(1).tolist() == best.tolist()
    assert best.unique().numel() > 4
    assert {0, round(0.9 * PIXELS)} <= set(best.tolist())


@pytest.mark.parametrize(("tau", "share"), [(0.0, 0.0), (100.0, 0.9)])
def test_a_tile_without_a_share_that_spares_it_is_not_attacked(monkeypatch, tau, share):
    method = Scaat(budget="adaptive", tau=tau)
    step = grey_step(tiny_classifier(), method)
    budget, moved, terms = attacked_by(monkeypatch, method, step)
    assert (budget > 0).flatten(1).sum(1).tolist() == [round(share * PIXELS)] * 8
    assert torch.equal(moved, step.images) == (share == 0)
    assert math.isfinite(terms["divergence"].item())


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("budget", ["hard", "soft", "adaptive"])
def test_every_option_makes_the_passes_it_declares(mask, budget):
    method = Scaat(mask=mask, budget=budget, steps=2)
    model, arm = tiny_classifier(), make_arm(method)
    with counted_training_passes(model, 8) as spent:
        loss, _ = objective(make_step(model, arm), arm, torch.ones(2))
        torch.autograd.backward(loss, inputs=list(model.parameters()))
    assert spent.passes == step_passes((method,))
    # Two steps, the clean and the attacked images, the main pass; three halvings if adaptive.
    assert spent.passes.forward == 2 + 1 + 1 + 1 + (3 if budget == "adaptive" else 0)
    assert spent.passes.input_backward == 2 + (mask != "random")
    assert spent.passes.full_backward == 2


@pytest.mark.parametrize("progress", [0.0, 0.05, 0.1])
def test_warming_up_costs_nothing(progress):
    model, arm = tiny_classifier(), make_arm(Scaat(adversarial_weight=1))
    step = make_step(model, arm)
    step.progress = progress
    with counted_training_passes(model, 8) as spent:
        loss, parts = objective(step, arm, torch.ones(2))
        torch.autograd.backward(loss, inputs=list(model.parameters()))
    assert spent.passes == STANDARD
    assert list(parts) == ["cross_entropy"]
    assert step.notes == {}


def test_notes_tell_how_much_of_the_budget_is_left_after_clipping():
    """A linear attack uses all of its budget on grey; on white glass only where it darkens, half the time."""
    model, method = linear_classifier(), Scaat(share=0.5)
    arm = make_arm(method)
    for white, left in ((False, 1.0), (True, 0.5)):
        step = grey_step(model, method)
        if white:
            step.images[:] = 1.0
        objective(step, arm, torch.ones(2))
        assert step.notes["scaat.share"].item() == 0.5
        assert step.notes["scaat.perturbation"].item() == pytest.approx(left * 0.5 * method.eps, rel=0.1)


def test_under_bfloat16_the_attack_still_raises_the_divergence(monkeypatch):
    method = Scaat()
    step = grey_step(tiny_classifier(), method, amp=True)
    _, moved, terms = attacked_by(monkeypatch, method, step)
    assert terms["divergence"].dtype == torch.float32
    noise = random_start(step, (moved != step.images).any(1, keepdim=True) * method.eps)
    step.amp = False
    with step.eval_mode(), torch.no_grad():
        clean, other, random = (step.logits_of(images) for images in (step.images, moved, noise))
    assert kl_divergence(clean, other).mean() > 5 * kl_divergence(clean, random).mean()

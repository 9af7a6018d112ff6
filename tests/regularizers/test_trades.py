"""TRADES: its closed form, its attack in the whole budget, and that it is SCAAT without a mask."""

import pytest
import torch

from tasks.functional.divergence import kl_divergence
from tasks.regularizers.base import STANDARD
from tasks.regularizers.scaat import Scaat
from tasks.regularizers.trades import Trades
from tasks.training.objective import objective
from tests._support.attacked import attacked_by, grey_step
from tests._support.training_passes import counted_training_passes
from tests._support.training_steps import (
    linear_classifier,
    make_arm,
    make_step,
    tiny_classifier,
)


@pytest.mark.parametrize("amp", [False, True], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("mask", ["low_saliency", "random", "top_saliency"])
def test_it_is_scaat_with_a_mask_of_everything(mask, amp):
    masked = Scaat(mask=mask, share=1, eps=0.03, steps=2, weight=2.5)
    open_to_all = Trades(eps=0.03, steps=2, weight=2.5)
    one, other = (grey_step(tiny_classifier(), method, amp) for method in (masked, open_to_all))
    expected = masked.loss_terms(one, {})[0]["divergence"]
    other.uniform(other.images[:, 0])  # a mask draws what parts equal saliencies before the start
    found = open_to_all.loss_terms(other, {})[0]["divergence"]
    assert torch.equal(found, expected)
    pair = [
        torch.autograd.grad(value, list(step.model.parameters()))
        for value, step in ((expected, one), (found, other))
    ]
    assert all(torch.equal(*gradients) for gradients in zip(*pair, strict=True))
    assert torch.equal(one.notes["perturbation"], other.notes["perturbation"])


def test_the_loss_on_a_linear_network_is_its_closed_form():
    """The margin m moves against its own sign by eps times the summed |weights|; KL follows from both."""
    model, method = linear_classifier(scale=2), Trades(weight=6, ramp=0)
    step = grey_step(model, method)
    difference = (model.network[0].weight[1] - model.network[0].weight[0]).detach()
    margins = (step.logits[:, 1] - step.logits[:, 0]).detach()
    side = -margins.sign()
    pair = (margins, margins + side * method.eps * difference.abs().sum())
    clean, moved = (torch.stack([torch.zeros_like(m), m], 1) for m in pair)
    terms, _ = method.loss_terms(step, {})
    assert terms["divergence"].item() == pytest.approx(
        6 * kl_divergence(clean, moved).mean().item(), rel=1e-4
    )
    assert step.notes["perturbation"].item() == pytest.approx(method.eps, rel=1e-3)


def test_both_branches_are_trained_through():
    """Detaching the clean branch would change the gradient; the original does not."""
    step = grey_step(tiny_classifier(), Trades())
    terms, _ = Trades().loss_terms(step, {})
    (gradient,) = torch.autograd.grad(terms["divergence"], step.logits)
    assert gradient.abs().max() > 0


def test_the_attack_is_made_in_eval_mode_and_judged_in_train_mode(monkeypatch):
    """Attacked images normalise by their own batch: in eval mode the divergence would be another number."""
    method = Trades(weight=1, ramp=0)
    step = grey_step(tiny_classifier(), method)
    _, moved, terms = attacked_by(monkeypatch, method, step)
    expected = kl_divergence(step.logits, step.forward(moved).logits).mean()
    assert torch.allclose(terms["divergence"], expected)
    with step.eval_mode():
        in_eval_mode = kl_divergence(step.logits_of(step.images), step.logits_of(moved)).mean()
    assert not torch.allclose(expected, in_eval_mode, rtol=0.1)


@pytest.mark.parametrize("progress", [0.0, 0.1])
def test_warming_up_costs_nothing(progress):
    model, arm = tiny_classifier(), make_arm(Trades())
    step = make_step(model, arm)
    step.progress = progress
    with counted_training_passes(model, 8) as spent:
        loss, parts = objective(step, arm, torch.ones(2))
        torch.autograd.backward(loss, inputs=list(model.parameters()))
    assert spent.passes == STANDARD
    assert list(parts) == ["cross_entropy"]


def test_the_ramp_is_linear_in_progress():
    values = []
    for progress in (0.2, 0.3, 0.9):
        step = grey_step(tiny_classifier(), Trades())
        step.progress = progress
        values.append(Trades().loss_terms(step, {})[0]["divergence"].item())
    assert values[0] == pytest.approx(values[1] / 2, rel=1e-4)
    assert values[1] == pytest.approx(values[2], rel=1e-5)

"""The figures of an epoch are means over its steps; what is not finite or has no gradient ends it."""

import math

import pytest
import torch

from tasks.training.epoch_sums import CHECK_EVERY, EpochSums
from tasks.training.errors import CollapsedError, DivergedError


def sums_of(*steps, epoch=3):
    sums = EpochSums(epoch)
    for loss, norm in steps:
        sums.add({"cross_entropy": torch.tensor(loss)}, {}, torch.tensor(norm))
    return sums


def test_a_row_has_the_means_and_the_parts_where_there_are_several():
    assert sums_of((1.0, 4.0), (2.0, 8.0)).row(0.1) == {
        "train_loss": 1.5, "learning_rate": 0.1, "gradient_norm": 6.0,
    }  # fmt: skip
    sums = EpochSums(1)
    sums.add({"cross_entropy": torch.tensor(1.0), "trades.kl": torch.tensor(0.5)}, {}, torch.tensor(1.0))
    assert sums.row(0.1) == {
        "train_loss": 1.5, "loss_cross_entropy": 1.0, "loss_trades.kl": 0.5,
        "learning_rate": 0.1, "gradient_norm": 1.0,
    }  # fmt: skip


def test_a_note_is_no_loss_and_counts_as_zero_in_a_step_without_it():
    sums = EpochSums(1)
    for notes in ({}, {"scaat.share": torch.tensor(0.5)}):
        sums.add({"cross_entropy": torch.tensor(1.0)}, notes, torch.tensor(1.0))
    assert sums.row(0.1) == {
        "train_loss": 1.0, "scaat.share": 0.25, "learning_rate": 0.1, "gradient_norm": 1.0,
    }  # fmt: skip


def test_a_loss_that_is_not_finite_comes_before_its_gradient():
    with pytest.raises(DivergedError, match="diverged in epoch 3: cross_entropy is nan") as caught:
        sums_of((1.0, 1.0), (math.nan, math.nan)).row(0.1)
    assert caught.value.epoch == 3


def test_it_is_noticed_within_the_epoch_but_not_looked_for_at_every_step():
    sums = sums_of((1.0, 1.0), (math.inf, 1.0))
    fine = {"cross_entropy": torch.tensor(1.0)}, {}, torch.tensor(1.0)
    for _ in range(CHECK_EVERY - 2):
        sums.add(*fine)
    with pytest.raises(DivergedError):
        sums.add(*fine)


@pytest.mark.parametrize("norm", [math.nan, math.inf])
def test_a_gradient_that_is_not_finite_is_a_collapse(norm):
    with pytest.raises(
        CollapsedError, match=f"gradients collapsed in epoch 3: their norm is {norm}"
    ) as caught:
        sums_of((1.0, 1.0), (1.0, norm)).row(0.1)
    assert caught.value.epoch == 3


def test_no_gradient_in_any_step_is_a_collapse_but_one_step_is_enough():
    with pytest.raises(CollapsedError, match=r"at most 1e-13 in all 2 steps, with a loss of 0\.693"):
        sums_of((math.log(2), 0.0), (math.log(2), 1e-13)).row(0.1)
    assert sums_of((math.log(2), 0.0), (math.log(2), 1e-11)).row(0.1)["gradient_norm"] > 0


def test_tiles_that_are_fitted_perfectly_have_no_gradient_and_that_is_no_collapse():
    logits = torch.tensor([[40.0, -40.0], [-40.0, 40.0]], requires_grad=True)
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1]))
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient.norm() < 1e-12
    sums = EpochSums(1)
    sums.add({"cross_entropy": loss.detach()}, {}, gradient.norm())
    assert sums.row(0.1)["gradient_norm"] < 1e-12

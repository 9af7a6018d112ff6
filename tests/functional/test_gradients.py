"""The explained quantity and its gradient."""

import pytest
import torch
from torch import nn

from tasks.functional.gradients import LogitsError, input_gradient, reduce_channels, target_margin


def test_the_margin_is_the_target_less_the_mean_of_the_others():
    logits = torch.tensor([[1.0, 2.0, 6.0], [0.0, -1.0, 5.0]])
    assert target_margin(logits, torch.tensor([2, 0])).tolist() == [4.5, -2.0]


def test_with_two_classes_it_is_the_log_odds():
    logits = torch.randn(7, 2, generator=torch.Generator().manual_seed(0))
    odds = logits.softmax(1)[:, 1].logit()
    torch.testing.assert_close(target_margin(logits, torch.ones(7, dtype=torch.int64)), odds)


@pytest.mark.parametrize(
    ("logits", "targets", "sentence"),
    [
        (torch.zeros(3, 1), torch.zeros(3, dtype=torch.int64), r"shape \[3, 1\]"),
        (torch.zeros(3), torch.zeros(3, dtype=torch.int64), r"needed \[B, K\]"),
        (torch.zeros(3, 2), torch.zeros(2, dtype=torch.int64), r"needed \[3\]"),
        (torch.zeros(1, 2), torch.tensor([2]), "allowed are 0 to 1"),
        (torch.zeros(1, 2), torch.tensor([-1]), "allowed are 0 to 1"),
    ],
)
def test_what_is_no_logit_or_no_class_is_refused(logits, targets, sentence):
    with pytest.raises(LogitsError, match=sentence):
        target_margin(logits, targets)


def test_the_gradient_of_a_linear_model_is_its_weight():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, 2))
    images = torch.rand(5, 3, 4, 4)
    with torch.no_grad():
        gradient = input_gradient(model, images, torch.ones(5, dtype=torch.int64))
    weight = (model[1].weight[1] - model[1].weight[0]).view(1, 3, 4, 4).expand(5, -1, -1, -1)
    torch.testing.assert_close(gradient, weight)
    assert model[1].weight.grad is None
    assert not images.requires_grad


def test_channels_are_reduced_three_ways():
    values = torch.tensor([3.0, -4.0, 0.0]).view(1, 3, 1, 1)
    found = [reduce_channels(values, how).item() for how in ("sum", "l2", "abs_mean")]
    assert found == pytest.approx([-1.0, 5.0, 7 / 3])

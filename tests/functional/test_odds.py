"""Log odds: their value, and a gradient that a certain prediction still has."""

import torch
import torch.nn.functional as F

from tasks.functional.odds import log_odds


def some_logits():
    return torch.randn(5, 4, generator=torch.Generator().manual_seed(0)).double().requires_grad_()


CLASSES = torch.tensor([0, 1, 2, 3, 0])


def test_they_are_those_of_the_probability():
    chance = some_logits().softmax(1).gather(1, CLASSES[:, None]).squeeze(1)
    assert torch.allclose(log_odds(some_logits(), CLASSES), (chance / (1 - chance)).log())


def test_their_gradient_is_that_of_the_cross_entropy_but_for_a_factor():
    logits = some_logits()
    (odds,) = torch.autograd.grad(log_odds(logits, CLASSES).sum(), logits)
    (loss,) = torch.autograd.grad(F.cross_entropy(logits, CLASSES, reduction="sum"), logits)
    error = 1 - logits.softmax(1).gather(1, CLASSES[:, None])
    assert torch.allclose(loss, -error * odds)


def test_they_keep_a_gradient_where_the_cross_entropy_has_none():
    logits = torch.tensor([[200.0, 0.0]], requires_grad=True)
    (loss,) = torch.autograd.grad(F.cross_entropy(logits, CLASSES[:1]), logits)
    (odds,) = torch.autograd.grad(log_odds(logits, CLASSES[:1]).sum(), logits)
    assert torch.equal(loss, torch.zeros(1, 2))
    assert odds.tolist() == [[1, -1]]

"""What the methods that raise a divergence do in one step, for their tests."""

import sys

import torch

from tests._support.training_steps import make_arm, make_step, random_batch


def grey_step(model, method, amp=False, progress=0.9):
    """A step whose images are far from 0 and 1, so that nothing is clipped."""
    batch = random_batch()
    batch.images.mul_(0.5).add_(0.25)
    step = make_step(model, make_arm(method), batch, amp)
    step.progress = progress
    step.generator = torch.Generator().manual_seed(5)
    step.settled = True
    return step


def attacked_by(monkeypatch, method, step):
    """The budgets [B, 1, H, W] and the attacked images of one call of the method, and its terms."""
    module, seen = sys.modules[type(method).__module__], {}
    real = module.most_divergent

    def spy(given, budget, steps, start):
        seen["budget"], seen["moved"] = budget, real(given, budget, steps, start)
        return seen["moved"]

    with monkeypatch.context() as patch:
        patch.setattr(module, "most_divergent", spy)
        terms, state = method.loss_terms(step, {})
    assert state == {}
    return seen["budget"], seen["moved"], terms

"""Adversarial images inside a budget for every pixel, by signed gradient ascent.

Madry et al. (2018), "Towards deep learning models resistant to adversarial attacks", arXiv:1706.06083.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Gain = Callable[[Tensor], Tensor]
"""Maps logits [B, K], float64, to the gain [B] that the attack raises, independently per image."""


def ascend(
    predict: Callable[[Tensor], Tensor],
    images: Tensor,
    start: Tensor,
    budget: Tensor | float,
    gains: Sequence[Gain],
) -> Tensor:
    """Return images [B, 3, H, W], detached, moved from ``start`` in one step for each of ``gains``.

    Each of n steps raises its own gain and moves a pixel by 2 / n of its budget along the sign of its
    gradient: one forward pass and one input backward pass. The gain is computed in float64: for a confident
    prediction the gradient by the largest logit is 1 minus a number near 1, which float32 rounds to 0. From
    a margin of 14 on, the sign of a pixel's gradient is often wrong in float32.

    Args:
        predict: gives logits [B, K] with their graph; in eval mode, so that images are independent.
        images: float32 [B, 3, H, W] in [0, 1], the centre of the budget.
        start: where the first step begins.
        budget: most that a value may change, in pixel units; broadcasts to the images.
        gains: the quantity that each step raises, at least one.
    """
    moved = start
    with torch.enable_grad():
        for gain in gains:
            leaf = moved.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(gain(predict(leaf).double()).sum(), leaf)
            moved = within(leaf.detach() + (2 / len(gains)) * budget * gradient.sign(), images, budget)
    return moved.detach()


def within(moved: Tensor, images: Tensor, budget: Tensor | float) -> Tensor:
    """Return ``moved`` clipped to within ``budget`` of ``images`` and into [0, 1]."""
    return torch.minimum(torch.maximum(moved, images - budget), images + budget).clamp(0, 1)

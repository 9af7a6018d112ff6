"""Adversarial images inside a budget for every pixel, by signed gradient ascent.

Madry et al. (2018), "Towards deep learning models resistant to adversarial attacks", arXiv:1706.06083. The
start is drawn from the whole budget: at no perturbation a divergence from the clean prediction has no
gradient but rounding noise, and after a start of 0.001 bfloat16 often rounds the logits to the clean ones.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from tasks.functional.divergence import kl_divergence
from tasks.regularizers._step import Step

Gain = Callable[[Tensor], Tensor]
"""Maps logits [B, K], float64, to what the attack raises, [B]; one image must not influence another's."""


def random_start(step: Step, budget: Tensor) -> Tensor:
    """Return the images moved by noise uniform in [-budget, budget], kept in [0, 1].

    ``budget`` is in pixel units and broadcasts to the images [B, 3, H, W], such as [B, 1, H, W].
    """
    return within(step.images + budget * (2 * step.uniform() - 1), step.images, budget)


def ascend(step: Step, start: Tensor, budget: Tensor, steps: int, gain: Gain) -> Tensor:
    """Return images [B, 3, H, W], detached, whose ``gain`` was raised in ``steps`` steps from ``start``.

    Each step moves a pixel by 2 / ``steps`` of its budget along the sign of its gradient. One forward pass
    and one input backward pass a step, in eval mode. The gain is computed in float64: the gradient by the
    largest logit of a sure prediction is 1 less a number near 1, which float32 rounds to nothing, and from a
    margin of 14 on the sign of a pixel's gradient is often wrong.
    """
    images, moved = step.images, start
    with step.eval_mode(), torch.enable_grad():
        for _ in range(steps):
            leaf = moved.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(gain(step.logits_of(leaf).double()).sum(), leaf)
            moved = within(leaf.detach() + (2 / steps) * budget * gradient.sign(), images, budget)
    return moved.detach()


def most_divergent(step: Step, budget: Tensor, steps: int) -> Tensor:
    """Return images within ``budget`` whose prediction is far from the clean one, [B, 3, H, W], detached.

    What is raised is KL(p(x) || p(x + d)) in eval mode, p(x) being that of ``step.clean_logits``. Source:
    Zhang et al. (2019), arXiv:1901.08573, with another start.
    """
    clean = step.clean_logits.double()
    return ascend(
        step, random_start(step, budget), budget, steps, lambda logits: kl_divergence(clean, logits)
    )


def within(moved: Tensor, images: Tensor, budget: Tensor) -> Tensor:
    """Return ``moved`` brought back to within ``budget`` of ``images`` and into [0, 1]."""
    return torch.minimum(torch.maximum(moved, images - budget), images + budget).clamp(0, 1)

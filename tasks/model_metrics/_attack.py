"""Adversarial images of a trained network, each independent of the others in its batch.

Projected gradient steps of Madry et al. (2018), arXiv:1706.06083, from a random start. The class moved away
from is the predicted one: the true label would leak into the image (Kurakin et al. 2017, arXiv:1611.01236).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tasks.functional.attack import ascend, within
from tasks.functional.noise import seed_of, uniform
from tasks.functional.odds import log_odds


@dataclass(frozen=True)
class Attack:
    """How far (``eps``, in pixel units of [0, 1]), in how many steps, from which seed."""

    eps: float
    steps: int
    seed: int


def moved_away(
    model: nn.Module,
    images: Tensor,
    classes: Tensor,
    keys: Tensor,
    attack: Attack,
    where: Tensor | None = None,
) -> Tensor:
    """Return images [B, 3, H, W] in [0, 1], within ``eps`` of ``images``, that lower ``classes``.

    One forward pass and one input backward pass per step; each step moves a pixel by 2 eps / steps.

    Args:
        model: gives logits [B, K], in eval mode, so that images do not influence each other.
        images: float32 [B, 3, H, W] in [0, 1].
        classes: int64 [B], the class that each image is moved away from.
        keys: int64 [B], the tile keys that the start is drawn by.
        attack: the budget.
        where: bool [B, 1, H, W], the pixels that may change; None: all.
    """
    budget = torch.full_like(images[:, :1], attack.eps) * (1 if where is None else where)
    seed = seed_of(attack.seed, "adversarial start")
    noise = uniform(seed, keys, 0, images.shape[1:]).to(images.dtype)
    start = within(images + budget * (2 * noise - 1), images, budget)

    def gain(logits: Tensor) -> Tensor:
        # Not the cross-entropy: its gradient underflows where the network is sure, so nothing would move.
        return -log_odds(logits, classes)

    return ascend(model, images, start, budget, [gain] * attack.steps)

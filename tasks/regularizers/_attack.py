"""Attacks inside a training step: in eval mode, on the step's images.

The divergence from the clean prediction has zero gradient at the clean image, so an attack on it must start
elsewhere. With a random start the start decides where it goes: with two classes every second tile is driven
to be *more* certain, where a divergence is small. The log odds of the predicted class have a gradient at the
clean image. A step that lowers them leads a tile to the side of its prediction that matters.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from tasks.functional import attack
from tasks.functional.attack import Gain, within
from tasks.functional.divergence import kl_divergence
from tasks.functional.odds import log_odds
from tasks.training_step.step import Step

OwnStart = Literal["margin", "uniform"]
"""How an attack on the divergence begins. ``margin``: at the clean image, and its first step lowers the log
odds of the predicted class, as does any later step of a tile that is more certain than at first.
``uniform``: at a random point of the budget, and every step raises the divergence; the start then decides the
direction."""

TRADES_NOISE = 0.001
"""Standard deviation of the start that the authors of TRADES published, in pixel units."""


def random_start(step: Step, budget: Tensor) -> Tensor:
    """Return the images moved by noise uniform in [-budget, budget], kept in [0, 1].

    ``budget`` is in pixel units and broadcasts to the images [B, 3, H, W], such as [B, 1, H, W].
    """
    return within(step.images + budget * (2 * step.uniform() - 1), step.images, budget)


def ascend(step: Step, start: Tensor, budget: Tensor, steps: int, gain: Gain) -> Tensor:
    """Return what :func:`tasks.functional.attack.ascend` makes of the step's images, in eval mode."""
    return _ascend(step, start, budget, [gain] * steps)


def most_divergent(
    step: Step, budget: Tensor, steps: int, start: OwnStart | Literal["published"] = "margin"
) -> Tensor:
    """Return images within ``budget`` whose prediction is far from the clean one, [B, 3, H, W], detached.

    The attack maximises KL(p(x) || p(x + d)) in eval mode, with p(x) from ``step.clean_logits``. Source:
    Zhang et al. (2019), arXiv:1901.08573. Their start is ``published``: normal noise of
    :data:`TRADES_NOISE`, which bfloat16 often rounds away.
    """
    clean = step.clean_logits.double()
    predicted = clean.argmax(1)
    certainty = log_odds(clean, predicted)

    def divergence(logits: Tensor) -> Tensor:
        return kl_divergence(clean, logits)

    def doubt(logits: Tensor) -> Tensor:
        return -log_odds(logits, predicted)

    def doubtful_divergence(logits: Tensor) -> Tensor:
        doubts = doubt(logits)
        return torch.where(doubts > -certainty, divergence(logits), doubts)

    if start == "margin":
        return _ascend(step, step.images, budget, [doubt, *[doubtful_divergence] * (steps - 1)])
    if start == "uniform":
        return _ascend(step, random_start(step, budget), budget, [divergence] * steps)
    first = within(step.images + TRADES_NOISE * step.normal(), step.images, budget)
    return _ascend(step, first, budget, [divergence] * steps)


def _ascend(step: Step, start: Tensor, budget: Tensor, gains: Sequence[Gain]) -> Tensor:
    with step.eval_mode():
        return attack.ascend(step.logits_of, step.images, start, budget, gains)

"""Attacks inside a training step: in eval mode, from a random start.

The start is drawn from the whole budget. The divergence from the clean prediction has zero gradient at the
clean image, and after a start of 0.001 bfloat16 often rounds the logits to the clean ones.
"""

from torch import Tensor

from tasks.functional import attack
from tasks.functional.attack import Gain, within
from tasks.functional.divergence import kl_divergence
from tasks.training_step.step import Step


def random_start(step: Step, budget: Tensor) -> Tensor:
    """Return the images moved by noise uniform in [-budget, budget], kept in [0, 1].

    ``budget`` is in pixel units and broadcasts to the images [B, 3, H, W], such as [B, 1, H, W].
    """
    return within(step.images + budget * (2 * step.uniform() - 1), step.images, budget)


def ascend(step: Step, start: Tensor, budget: Tensor, steps: int, gain: Gain) -> Tensor:
    """Return what :func:`tasks.functional.attack.ascend` makes of the step's images, in eval mode."""
    with step.eval_mode():
        return attack.ascend(step.logits_of, step.images, start, budget, steps, gain)


def most_divergent(step: Step, budget: Tensor, steps: int) -> Tensor:
    """Return images within ``budget`` whose prediction is far from the clean one, [B, 3, H, W], detached.

    The attack maximises KL(p(x) || p(x + d)) in eval mode, with p(x) from ``step.clean_logits``. Source:
    Zhang et al. (2019), arXiv:1901.08573, with another start.
    """
    clean = step.clean_logits.double()
    return ascend(
        step, random_start(step, budget), budget, steps, lambda logits: kl_divergence(clean, logits)
    )

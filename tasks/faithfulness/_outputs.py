"""What metrics read from logits: the probability, the margin or the logit of a class, and their rounding."""

from typing import Literal

from torch import Tensor

from tasks.functional.gradients import target_margin

Output = Literal["probability", "margin", "logit"]

_STILL = 1e-6
"""Of the largest logit: float32 resolves a sixteenth of it."""


def outputs(logits: Tensor, targets: Tensor) -> dict[Output, Tensor]:
    """Return float64 [n, S] of each output from logits [S, n, K]: one forward serves all three."""
    steps, count = logits.shape[:2]
    flat = logits.double().flatten(0, 1)
    target = targets.repeat(steps)
    values: dict[Output, Tensor] = {
        "probability": flat.softmax(1).gather(1, target[:, None]).squeeze(1),
        "margin": target_margin(flat, target),
        "logit": flat.gather(1, target[:, None]).squeeze(1),
    }
    return {name: value.view(steps, count).T.contiguous() for name, value in values.items()}


def rounding_of(logits: Tensor, traced: Tensor, output: Output) -> Tensor:
    """Return float64 [n]: the difference below which an ``output`` [n, S] of logits [S, n, K] stays the same.

    Answers to one input differ in their last bits with the number of inputs in a batch. A change of that size
    is none, and must not be ranked. A probability near 0 or 1 has less rounding than its logits, by the slope
    of the softmax.
    """
    rounding = _STILL * logits.double().abs().amax((0, 2))
    return rounding * (traced * (1 - traced)).amax(1) if output == "probability" else rounding

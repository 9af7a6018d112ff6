"""What surrounds a call: inference mode, autocast, and how exact the arithmetic of a device is."""

import torch
from torch import nn

from tasks.functional.arithmetic import short_products
from tasks.models.errors import ModelError

EXACT = 1e-5
"""Relative difference of logits that rounding explains in float32."""
_TF32 = 2e-3
"""The same where products are rounded to ten bits."""


def refuse_inference_mode(model: nn.Module) -> None:
    """Refuse to work inside ``torch.inference_mode`` or with weights that were made in it.

    Raises:
        ModelError: gradients cannot be taken there.
    """
    if torch.is_inference_mode_enabled():
        raise ModelError(
            "this was called inside torch.inference_mode, where no gradient can be taken; call it outside "
            "(torch.no_grad around it does no harm)"
        )
    made = [name for name, weight in model.named_parameters() if weight.is_inference()]
    if made:
        raise ModelError(
            f"the weights of {type(model).__name__} were made inside torch.inference_mode, first "
            f"{made[0]!r}; no gradient can be taken of them: make or load the network outside"
        )


def said_of_autocast(device: str) -> tuple[str, ...]:
    """Return a sentence where autocast is on, else nothing."""
    if not torch.is_autocast_enabled(device):
        return ()
    kind = str(torch.get_autocast_dtype(device)).removeprefix("torch.")
    return (
        f"autocast to {kind} is on: logits have about {_digits(device)} digits, so maps and scores are "
        "coarse and may depend on the batch; leave autocast for float32",
    )


def tolerance(device: str) -> float:
    """Return the relative difference of two answers that rounding explains."""
    if torch.is_autocast_enabled(device):
        return 8 * torch.finfo(torch.get_autocast_dtype(device)).eps
    if device != "cpu" and short_products():
        return _TF32
    return EXACT


def _digits(device: str) -> int:
    return 3 if torch.get_autocast_dtype(device) == torch.float16 else 2

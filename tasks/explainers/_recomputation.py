"""Networks that run their layers again in the backward pass, where a method's rules no longer hold."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from tasks.explainers.base import ExplanationError

_SAID = "runs layers again in the backward pass (gradient checkpointing), where its rules do not reach"


@contextmanager
def refuse_recomputation(method: str) -> Iterator[None]:
    """Refuse gradient checkpointing inside the block.

    Raises:
        ExplanationError: a layer is checkpointed.
    """
    try:
        # Checkpointing keeps its inputs by such hooks; entering one raises an error with these words.
        with torch.autograd.graph.disable_saved_tensors_hooks(_SAID):
            yield
    except RuntimeError as error:
        if _SAID not in str(error):
            raise
        raise ExplanationError(_sentence(method)) from error


def refuse_without_gradients(method: str) -> None:
    """Refuse a layer that runs with gradients switched off, as the older form of checkpointing does.

    Raises:
        ExplanationError: gradients are off.
    """
    if not torch.is_grad_enabled():
        raise ExplanationError(_sentence(method))


def _sentence(method: str) -> str:
    return f"the network {_SAID}; switch checkpointing off in the network to use {method}"

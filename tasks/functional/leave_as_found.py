"""Eval mode inside a block, and everything restored after it, also after an exception."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def leave_as_found(model: nn.Module) -> Iterator[nn.Module]:
    """Yield ``model`` in eval mode with frozen parameters; then restore modes, requires_grad and grads.

    With frozen parameters the backward pass computes no weight gradients. Changes of weights, buffers or
    hooks inside the block are not restored.
    """
    modes = [(module, module.training) for module in model.modules()]
    parameters = [(p, p.requires_grad, p.grad) for p in model.parameters()]
    try:
        model.eval()
        for parameter, _, _ in parameters:
            parameter.requires_grad_(False)
            parameter.grad = None
        yield model
    finally:
        for module, mode in modes:
            module.training = mode
        for parameter, wanted, grad in parameters:
            parameter.requires_grad_(wanted)
            parameter.grad = grad

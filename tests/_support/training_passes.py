"""Counts the passes of a training step by kind, to hold regularizers to what they declare."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import nn

from tasks.regularizers.base import TrainingPasses


class _Count:
    """Passes in batches of ``size`` images; a backward call is told by what it is asked for."""

    def __init__(self, model: nn.Module, size: int) -> None:
        self.spent: Counter[str] = Counter()
        self._parameters = {id(p) for p in model.parameters()}
        self._size = size
        self._kind = ""
        self._met = 0.0

    def forward(self, _module, inputs, output):
        share = len(inputs[0]) / self._size
        self.spent["forward"] += share
        if output.requires_grad:
            output.register_hook(lambda _gradient: self._meet(share))

    def _meet(self, share):
        self._met += share

    def grad(self, real):
        def counted(outputs, inputs, *args, **kwargs):
            wanted = [inputs] if isinstance(inputs, torch.Tensor) else list(inputs)
            weights = any(id(tensor) in self._parameters for tensor in wanted)
            kind = "double_backward" if kwargs.get("create_graph") else "input_backward"
            return self._run("full_backward" if weights else kind, real, outputs, inputs, *args, **kwargs)

        return counted

    def backward(self, real):
        return lambda *args, **kwargs: self._run("full_backward", real, *args, **kwargs)

    def _run(self, kind, real, *args, **kwargs):
        self._met = 0.0
        result = real(*args, **kwargs)
        # A gradient taken from an inner layer meets no logits; it counts as a whole pass.
        self.spent[kind] += self._met or 1.0
        return result


@contextmanager
def counted_training_passes(model: nn.Module, size: int) -> Iterator["LatePasses"]:
    """Count the passes of ``model`` inside the block, in batches of ``size``; read the result after it."""
    count = _Count(model, size)
    handle = model.register_forward_hook(count.forward)
    result = LatePasses()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.autograd, "grad", count.grad(torch.autograd.grad))
        patch.setattr(torch.autograd, "backward", count.backward(torch.autograd.backward))
        try:
            yield result
        finally:
            handle.remove()
            result.passes = TrainingPasses(**count.spent)


class LatePasses:
    """Holds what is known at the end of the block only."""

    passes = TrainingPasses()

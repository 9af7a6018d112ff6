"""Passes through a network in images: declared by a method, and counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Passes:
    """Images sent forward, and images sent back to the input."""

    forward: int = 0
    backward: int = 0

    def __mul__(self, times: int) -> "Passes":
        return Passes(self.forward * times, self.backward * times)

    def __add__(self, other: "Passes") -> "Passes":
        return Passes(self.forward + other.forward, self.backward + other.backward)


class PassCounter:
    """A running count of the passes of one model."""

    def __init__(self) -> None:
        self.spent = Passes()

    def forward(self, _module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Count a forward pass, and its backward pass if one comes."""
        images = len(output)
        self.spent += Passes(forward=images)
        if output.requires_grad:
            output.register_hook(lambda _grad: self._backward(images))  # type: ignore[no-untyped-call]  # torch

    def _backward(self, images: int) -> None:
        self.spent += Passes(backward=images)


@contextmanager
def counted_passes(model: nn.Module) -> Iterator[PassCounter]:
    """Count the passes of ``model`` inside the block with a hook that is removed at its end."""
    counter = PassCounter()
    handle = model.register_forward_hook(counter.forward)
    try:
        yield counter
    finally:
        handle.remove()

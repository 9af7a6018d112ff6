"""Passes through a network in images or bags: declared by a method, and counted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

from torch import Tensor, nn

ANSWERS = ("terms", "queries_and_keys")
"""Methods of a network that tell what is inside its answer: asking one of them costs a forward pass."""


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
        self._inside = False

    def enter(self, _module: nn.Module, _inputs: tuple[Tensor, ...]) -> None:
        """Note that a forward pass began: what the network asks itself costs nothing more."""
        self._inside = True

    def forward(self, _module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Count a forward pass, and its backward pass if one comes."""
        self._inside = False
        images = len(output)
        self.spent += Passes(forward=images)
        if output.requires_grad:
            output.register_hook(lambda _grad: self._backward(images))  # type: ignore[no-untyped-call]  # torch

    def answering(self, ask: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``ask`` as a method that counts the samples of its first argument."""

        @wraps(ask)
        def counted(samples: Tensor, *others: Tensor) -> Any:
            if not self._inside:
                self.spent += Passes(forward=len(samples))
            return ask(samples, *others)

        return counted

    def _backward(self, images: int) -> None:
        self.spent += Passes(backward=images)


@contextmanager
def counted_passes(model: nn.Module) -> Iterator[PassCounter]:
    """Count the passes of ``model`` inside the block with hooks that are removed at its end."""
    counter = PassCounter()
    handles = [model.register_forward_pre_hook(counter.enter), model.register_forward_hook(counter.forward)]
    asked = [name for name in ANSWERS if callable(getattr(model, name, None))]
    # Another counter may count outside of this one.
    outer = {name: model.__dict__[name] for name in asked if name in model.__dict__}
    for name in asked:
        setattr(model, name, counter.answering(getattr(model, name)))
    try:
        yield counter
    finally:
        for handle in handles:
            handle.remove()
        for name in asked:
            delattr(model, name)
        for name, method in outer.items():
            setattr(model, name, method)

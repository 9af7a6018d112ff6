"""Networks that write on their images get a copy of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


@contextmanager
def own_copy(model: nn.Module, needed: bool) -> Iterator[None]:
    """Inside the block, give ``model`` a copy of each batch where it is ``needed``.

    A network that normalises in place then gives the numbers of one that does not, gradients included, and
    leaves the images alone. A hook does it, so no name of a module changes; it is removed at the end.
    """
    if not needed:
        yield
        return
    handle = model.register_forward_pre_hook(_copied)
    try:
        yield
    finally:
        handle.remove()


def _copied(_module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(value.clone() if isinstance(value, Tensor) else value for value in inputs)

"""Removal: what the model is asked about once some elements of its samples are taken away."""

from collections.abc import Hashable
from typing import Any, Protocol

from torch import Tensor

from tasks.samples.inputs import Inputs


class Remover(Protocol):
    """One way of taking elements away. A new way is one class; no metric asks what an element is.

    ``block`` is a :class:`tasks.evidence.block.Block` of the kind that the remover works on.
    """

    def key(self) -> tuple[Hashable, ...]:
        """Return what decides, beside the sample and the removed elements, on the inputs."""
        ...

    def without(self, block: Any, removed: Tensor) -> Inputs:
        """Return the inputs [S, B, ...] of the samples without some elements.

        Args:
            block: B samples of E elements.
            removed: bool [S, B, E], or any shape that broadcasts to it.
        """
        ...

    def without_all(self, block: Any) -> Inputs:
        """Return the inputs [B, ...] of the samples without any element."""
        ...

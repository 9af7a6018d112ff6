"""An explainer as metrics call it."""

from typing import Any, Protocol

from torch import Tensor, nn

from tasks.functional.passes import Passes


class ExplainerLike(Protocol):
    """What a metric asks of an explainer; every plug-in of :mod:`tasks.explainers` does this."""

    def prepare(self, model: nn.Module) -> nn.Module:
        """Return the network that :meth:`attribute` needs, made once for many batches."""
        ...

    def attribute(self, model: nn.Module, images: Any, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return maps [B, H, W] of images [B, C, H, W], or scores [B, N] of bags.

        The network is prepared, frozen, and in eval mode.
        """
        ...

    def passes(self) -> Passes:
        """Return the passes per image."""
        ...

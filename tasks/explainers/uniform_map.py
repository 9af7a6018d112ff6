"""Control: all pixels equal."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from tasks.explainers._controls import BlindControl
from tasks.samples.axes import Input
from tasks.samples.inputs import Bags


class UniformMap(BlindControl):
    """The same value everywhere: the score of a map without information.

    Its ranks are ties, broken at random by those metrics that rank; metrics that are undefined for it, such
    as correlations, exclude its tiles and count them.
    """

    source: ClassVar[str] = "the constant control of design section 6; no paper"
    accepts: ClassVar[frozenset[Input]] = frozenset({"pixels", "features"})
    default_position: ClassVar[int] = 3
    signed: ClassVar[bool] = False

    def attribute(self, model: nn.Module, images: Any, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return ones [B, H, W], or [B, N] of bags."""
        if isinstance(images, Bags):
            return torch.ones_like(images.features[:, :, 0])
        return torch.ones_like(images[:, 0])

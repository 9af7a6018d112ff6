"""Control: every pixel alike."""

from typing import ClassVar

from torch import Tensor, nn

from tasks.explainers._controls import BlindControl


class UniformMap(BlindControl):
    """The same value everywhere: what a metric gives to a map that says nothing.

    Its ranks are ties, broken at random by those metrics that rank; a metric for which it has no answer, such
    as a correlation, leaves its tiles out and counts them.
    """

    source: ClassVar[str] = "the constant control of design section 6; no paper"
    default_rank: ClassVar[int] = 3
    signed: ClassVar[bool] = False

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return ones [B, H, W]."""
        return images.new_ones(len(images), *images.shape[2:])

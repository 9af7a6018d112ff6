"""Control: a map of pure noise, which no metric should score well."""

from typing import ClassVar

from pydantic import Field
from torch import Tensor, nn

from tasks.explainers._controls import BlindControl
from tasks.functional.noise import normal


class RandomMap(BlindControl):
    """Independent standard normal numbers, the same for a tile whatever the model: the level of chance."""

    source: ClassVar[str] = "the chance control of design section 6; no paper"
    default_position: ClassVar[int] = 1

    seed: int = Field(default=0, ge=0)

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return noise [B, H, W] that depends on (seed, tile key)."""
        return normal(self.seed, tile_keys, 0, images.shape[2:]).to(images)

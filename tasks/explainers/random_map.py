"""Control: a map of pure noise, which no metric should score well."""

from typing import Any, ClassVar

from pydantic import Field
from torch import Tensor, nn

from tasks.explainers._controls import BlindControl
from tasks.functional.noise import normal
from tasks.samples.axes import Input
from tasks.samples.inputs import Bags
from tasks.samples.tile_names import drawing_keys


class RandomMap(BlindControl):
    """Independent standard normal numbers, the same for a tile whatever the model: the level of chance."""

    source: ClassVar[str] = "the chance control of design section 6; no paper"
    accepts: ClassVar[frozenset[Input]] = frozenset({"pixels", "features"})
    default_position: ClassVar[int] = 1

    seed: int = Field(default=0, ge=0)

    def attribute(self, model: nn.Module, images: Any, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return noise [B, H, W] that depends on (seed, tile key); of bags [B, N], of (seed, bag, tile)."""
        if isinstance(images, Bags):
            keys = drawing_keys(images, tile_keys)
            return normal(self.seed, keys.flatten(), 0, ()).view_as(keys).to(images.features)
        return normal(self.seed, tile_keys, 0, images.shape[2:]).to(images)

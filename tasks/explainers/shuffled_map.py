"""Control: the same values at other pixels."""

from typing import ClassVar

from torch import Tensor, nn

from tasks.explainers._controls import HoldingControl
from tasks.functional.ranking import tie_keys


class ShuffledMap(HoldingControl):
    """The held explainer's map with its pixels permuted within the tile.

    The values and their sum are kept, their positions are lost. A metric that this control does not lose
    looks at the values alone.
    """

    source: ClassVar[str] = "the permutation control of design section 6; no paper"
    default_position: ClassVar[int] = 8

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the held explainer's maps [B, H, W], in an order that depends on (seed, tile key)."""
        maps = super().attribute(model, images, targets, tile_keys)
        order = _order(self.seed, tile_keys, maps[0].numel())
        return maps.flatten(1).gather(1, order).view_as(maps)


def _order(seed: int, keys: Tensor, count: int) -> Tensor:
    """Return int64 [B, count], a random permutation of range(count) in each row."""
    return tie_keys(seed, keys, "shuffled_map", count).argsort(dim=1)

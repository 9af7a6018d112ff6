"""Control: the same values at other pixels."""

from typing import ClassVar, Self

from pydantic import PrivateAttr
from torch import Tensor, nn

from tasks.explainers._controls import HoldingControl
from tasks.functional.halo import middle
from tasks.functional.ranking import tie_keys


class ShuffledMap(HoldingControl):
    """The held explainer's map with its pixels permuted within the tile.

    The values and their sum are kept, their positions are lost. A metric that this control does not lose
    looks at the values alone.
    """

    source: ClassVar[str] = "the permutation control of design section 6; no paper"
    default_position: ClassVar[int] = 8

    _halo_px: int = PrivateAttr(default=0)

    def with_halo(self, tile_px: int, halo_px: int) -> Self:
        """Return a copy that shuffles the pixels of the tile among themselves and leaves the halo."""
        copy = super().with_halo(tile_px, halo_px)
        copy._halo_px = halo_px
        return copy

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the held explainer's maps [B, H, W], in an order that depends on (seed, tile key)."""
        maps = super().attribute(model, images, targets, tile_keys).clone()
        tile = middle(maps, self._halo_px)
        values = tile.flatten(1)
        tile.copy_(values.gather(1, _order(self.seed, tile_keys, values.shape[1])).view_as(tile))
        return maps


def _order(seed: int, keys: Tensor, count: int) -> Tensor:
    """Return int64 [B, count], a random permutation of range(count) in each row."""
    return tie_keys(seed, keys, "shuffled_map", count).argsort(dim=1)

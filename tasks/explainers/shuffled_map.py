"""Control: the same values at other pixels."""

from typing import Any, ClassVar, Self

from pydantic import PrivateAttr
from torch import Tensor, nn

from tasks.explainers._controls import HoldingControl
from tasks.functional.halo import middle
from tasks.functional.noise import seed_of, uniform
from tasks.functional.ranking import tie_keys
from tasks.samples.inputs import Bags
from tasks.samples.tile_names import drawing_keys


class ShuffledMap(HoldingControl):
    """The held explainer's map with its pixels permuted within the tile; of bags, the tiles within the bag.

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

    def attribute(self, model: nn.Module, images: Any, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the held explainer's maps [B, H, W], in an order that depends on (seed, tile key)."""
        maps = super().attribute(model, images, targets, tile_keys).clone()
        if isinstance(images, Bags):
            return _shuffled(maps, images.mask, drawing_keys(images, tile_keys), self.seed)
        tile = middle(maps, self._halo_px)
        values = tile.flatten(1)
        tile.copy_(values.gather(1, _order(self.seed, tile_keys, values.shape[1])).view_as(tile))
        return maps


def _order(seed: int, keys: Tensor, count: int) -> Tensor:
    """Return int64 [B, count], a random permutation of range(count) in each row."""
    return tie_keys(seed, keys, "shuffled_map", count).argsort(dim=1)


def _shuffled(scores: Tensor, mask: Tensor, keys: Tensor, seed: int) -> Tensor:
    """Return the scores [B, N] of real tiles at others of the same bag, whatever the order of its tiles.

    Each tile has a position in two random sequences, and gets the value of the tile that has its second
    position in the first one.
    """
    from_, to = (
        uniform(seed_of(seed, "shuffled_map", name), keys.flatten(), 0, ())
        .view_as(keys)
        .masked_fill(~mask, 2.0)
        .argsort(dim=1, stable=True)
        for name in ("from", "to")
    )
    return scores.scatter(1, to, scores.gather(1, from_))

"""Control: the same values at other places."""

from typing import ClassVar

from pydantic import Field
from torch import Tensor, nn

from tasks.explainers.base import AnyExplainer, Explainer, Kind
from tasks.functional.passes import Passes
from tasks.functional.ranking import tie_keys


class ShuffledMap(Explainer):
    """The held explainer's map with its pixels permuted within the tile.

    The values and their sum are kept and where they lie is lost, so a metric that it does not lose by looks
    at the values alone.
    """

    source: ClassVar[str] = "the permutation control of design section 6; no paper"
    kind: ClassVar[Kind] = "control"
    control: ClassVar[bool] = True

    base: AnyExplainer = Field(default={"name": "gradient"}, validate_default=True)
    seed: int = Field(default=0, ge=0)

    @property
    def signed_maps(self) -> bool:
        """As the held explainer."""
        return self.base.signed_maps

    def prepare(self, model: nn.Module) -> nn.Module:
        """As the held explainer."""
        return self.base.prepare(model)

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the held explainer's maps [B, H, W], in an order that depends on (seed, tile key)."""
        maps = self.base.attribute(model, images, targets, tile_keys)
        order = _order(self.seed, tile_keys, maps[0].numel())
        return maps.flatten(1).gather(1, order).view_as(maps)

    def passes(self) -> Passes:
        """Those of the held explainer."""
        return self.base.passes()


def _order(seed: int, keys: Tensor, count: int) -> Tensor:
    """Return int64 [B, count], a random permutation of range(count) in each row."""
    return tie_keys(seed, keys, "shuffled_map", count).argsort(dim=1)

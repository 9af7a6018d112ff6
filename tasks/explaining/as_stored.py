"""An explainer whose maps have the precision of stored ones."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from tasks.artifacts.attributions import MapDtype
from tasks.evidence.explainer_like import ExplainerLike
from tasks.functional.half_maps import rounded_maps
from tasks.functional.passes import Passes


@dataclass(frozen=True)
class AsStored:
    """Explains changed images for metrics that compare the result with a stored map.

    Without the rounding a map that does not change at all would differ from its stored copy.

    Attributes:
        explainer: what made the stored maps.
        dtype: how they were stored.
    """

    explainer: ExplainerLike
    dtype: MapDtype

    def prepare(self, model: nn.Module) -> nn.Module:
        """Return the network that the explainer needs."""
        return self.explainer.prepare(model)

    def attribute(self, model: nn.Module, images: Any, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return maps [B, H, W] as they would come back from the store."""
        maps = self.explainer.attribute(model, images, targets, tile_keys)
        return rounded_maps(maps) if self.dtype == "float16" else maps

    def passes(self) -> Passes:
        """Return the passes per image."""
        return self.explainer.passes()

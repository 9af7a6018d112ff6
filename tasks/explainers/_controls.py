"""The two kinds of controls: those that see no network, and those that hold an explainer."""

from typing import Any, ClassVar

from pydantic import Field
from torch import Tensor, nn

from tasks.explainers.base import AnyExplainer, Explainer, Kind
from tasks.functional.passes import Passes
from tasks.samples.axes import Input


class BlindControl(Explainer):
    """A map made of the image alone, or of nothing: it costs no pass and is no explanation."""

    kind: ClassVar[Kind] = "control"
    control: ClassVar[bool] = True
    blind: ClassVar[bool] = True

    @property
    def takes_halo(self) -> bool:
        """False: it is a map of the tile itself."""
        return False

    def passes(self) -> Passes:
        """None."""
        return Passes()


class HoldingControl(Explainer):
    """A control made from another explainer. It prepares, costs and signs its maps as that one does."""

    accepts: ClassVar[frozenset[Input]] = frozenset({"pixels", "features"})
    kind: ClassVar[Kind] = "control"
    control: ClassVar[bool] = True

    base: AnyExplainer = Field(default={"name": "gradient"}, validate_default=True)
    seed: int = Field(default=0, ge=0)

    @property
    def signed_maps(self) -> bool:
        """As the held explainer."""
        return self.base.signed_maps

    def prepare(self, model: nn.Module) -> nn.Module:
        """Return what the held explainer prepares."""
        return self.base.prepare(model)

    def attribute(self, model: nn.Module, images: Any, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the held explainer's maps [B, H, W], or scores [B, N] of bags."""
        return self.base.attribute(model, images, targets, tile_keys)

    def passes(self) -> Passes:
        """Return the passes of the held explainer."""
        return self.base.passes()

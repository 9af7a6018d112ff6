"""Control: the same explainer on the same network before it learned anything."""

from typing import ClassVar

from pydantic import Field
from torch import Tensor, nn

from tasks.explainers.base import AnyExplainer, Explainer, Kind
from tasks.functional.passes import Passes
from tasks.functional.reinitialise import reinitialised


class UntrainedNetwork(Explainer):
    """The held explainer on a re-initialised copy: what architecture and tissue alone draw."""

    source: ClassVar[str] = (
        "Adebayo et al. (2018), arXiv:1810.03292: all layers at once, see tasks.functional.reinitialise"
    )
    kind: ClassVar[Kind] = "control"
    control: ClassVar[bool] = True

    base: AnyExplainer = Field(default={"name": "gradient"}, validate_default=True)
    seed: int = Field(default=0, ge=0)

    @property
    def signed_maps(self) -> bool:
        """As those of the held explainer."""
        return self.base.signed_maps

    def prepare(self, model: nn.Module) -> nn.Module:
        """Return the re-initialised copy, as the held explainer needs it."""
        return self.base.prepare(reinitialised(model, self.seed))

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the held explainer's maps [B, H, W] of the copy."""
        return self.base.attribute(model, images, targets, tile_keys)

    def passes(self) -> Passes:
        """Those of the held explainer, through the copy."""
        return self.base.passes()

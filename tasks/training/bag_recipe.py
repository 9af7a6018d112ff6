"""How a slide model is trained, beyond what every training has."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.models.mil.abmil import Abmil
from tasks.models.mil.base import AnyBagModel, BagModel

BAG_DEFAULTS: dict[str, Any] = {
    "epochs": 30,
    "batch": 8,
    "lr": 2e-4,
    "weight_decay": 1e-4,
    "patience": 8,
}
"""What a recipe with a ``bag`` has in place of the defaults for tiles."""

TILES_ALONE = ("network", "augmentation", "tiles_per_epoch", "autotune", "compile")
"""Settings that mean nothing where a model eats features."""


class BagRecipe(BaseModel):
    """The slide model, and which tiles of a slide a step shows."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    model: AnyBagModel = Abmil()
    """The slide model, such as ``{name: abmil, embed: 256}``; an arm may name another."""

    tiles_per_bag: int = Field(default=4096, ge=1)
    """Of a slide with more tiles a step shows so many, drawn anew in every epoch without replacement. Whole
    slides are shown where a model is judged or used."""

    tile_dropout: float = Field(default=0.1, ge=0, lt=1)
    """The share of a bag's tiles that a step leaves out at random; at least one tile stays."""

    tile_batch: int = Field(default=256, ge=2)
    """Tiles per step, in place of ``batch``, for a model that learns from labels of tiles."""

    @model_validator(mode="after")
    def _model_can_take_so_many(self) -> Self:
        most = self.model.most_tiles
        if most is not None and self.tiles_per_bag > most:
            raise ValueError(
                f"bag.tiles_per_bag is {self.tiles_per_bag}; {self.model.name!r} is trained with at most "
                f"{most}"
            )
        return self

    def with_model(self, model: BagModel | None) -> Self:
        """Return this recipe with another model; None keeps it."""
        if model is None:
            return self
        return type(self).model_validate({**dict(self), "model": model})

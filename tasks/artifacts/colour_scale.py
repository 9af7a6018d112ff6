"""ColourScale: the one colour scale of an explainer's maps, over all models and slides of a study.

Payload: ``scale.json`` (:class:`ScaleInfo`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from pydantic import BaseModel, ConfigDict

from tasks.artifacts.artifact import Artifact

SCALE = "scale.json"
EVERY_MODEL = "every model"
"""Stands for the label of a model where the maps are of none, as those of a blind control."""


class SlideScale(BaseModel):
    """One slide's share in a scale.

    Attributes:
        maps: how many maps of it were counted, one per model.
        values: how many of their drawn pixels are not zero.
        limit: where the scale would end by the same rule for this slide alone; far below the common limit on
            a cold slide.
    """

    model_config = ConfigDict(frozen=True)

    maps: int
    values: int
    limit: float


class ScaleInfo(BaseModel):
    """Where the colours end, in raw units of attribution, and what that rests on.

    Attributes:
        limit: of each model, ``percentile`` of |value| over the drawn pixels of its maps of all slides, zeros
            left out; of these the median, the upper of two in the middle, so that one model gone wild blanks
            no other. 1.0 where all is zero.
        tile_limit: the same over the pixels of all tiles at the resolution of the network, for pictures of
            single tiles.
        percentile: which percentile, above 50.
        smoothing_um: standard deviation of the Gaussian that drawn maps were smoothed with, micrometres.
        rounding: both limits are above the exact percentile by at most this share of it.
        maps: how many maps were counted.
        values: how many drawn pixels were counted.
        slides: the share of each slide, by slide id.
        models: where the scale would end for each model alone, by its label, or for :data:`EVERY_MODEL`; 0
            where its maps are zero.
    """

    model_config = ConfigDict(frozen=True)

    limit: float
    tile_limit: float
    percentile: float
    smoothing_um: float
    rounding: float
    maps: int
    values: int
    slides: Mapping[str, SlideScale]
    models: Mapping[str, float]

    def end_of(self, label: str) -> float | None:
        """Return where the scale would end for the model ``label`` alone; None where it has no maps."""
        return self.models.get(label, self.models.get(EVERY_MODEL))


@dataclass(frozen=True)
class ColourScale(Artifact):
    """A read-only view of one explainer's colour scale."""

    @cached_property
    def info(self) -> ScaleInfo:
        """The limits and what they rest on."""
        return ScaleInfo.model_validate_json((self.folder / SCALE).read_text(encoding="utf-8"))

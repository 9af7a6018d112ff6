"""What one set of drawings is made from: a slide, an explainer and the checkpoints that are compared."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from tasks.artifacts.attributions import Attributions
from tasks.artifacts.colour_scale import ScaleInfo
from tasks.artifacts.key import ModelKey
from tasks.artifacts.predictions import Predictions
from tasks.artifacts.tile_set import TileSet

SlideScore = Callable[[NDArray[np.float64]], float]
"""The rule that makes one slide score of the target probabilities [N] of a slide's tiles."""


class HeatmapError(Exception):
    """A heatmap would not show what was evaluated; one sentence says where."""


class ScaleRecipe(BaseModel):
    """What of a heatmap's recipe the common colour scale depends on; fields as in :class:`HeatmapRecipe`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    smoothing_um: float = Field(ge=0, le=100)
    percentile: float = Field(gt=50, le=100)


class HeatmapRecipe(BaseModel):
    """How heatmaps are drawn; no setting changes a raw value.

    Attributes:
        smoothing_um: standard deviation (micrometres) of the Gaussian that smooths slide maps for drawing, as
            signed pixel maps are mere grain at that scale; 0: none. Stored maps stay raw.
        percentile: the colours of an explainer end at the median over all models of this percentile of
            |value| over a model's maps of all slides; zeros show bare tissue and are left out.
        opacity: how strongly the full colour covers the tissue, 0 to 1.
        max_side_px: a stitched map longer than this is made at a coarser pixel, by whole factors.
        tiles_shown: how many of the highest and how many of the lowest tiles ``tiles.png`` shows.
        exports: further files for each model: ``geojson`` the tiles with their figures for QuPath,
            ``ome_tiff`` the raw map and the probabilities as a pyramid.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    smoothing_um: float = Field(default=4.0, ge=0, le=100)
    percentile: float = Field(default=99.0, gt=50, le=100)
    opacity: float = Field(default=0.8, gt=0, le=1)
    max_side_px: int = Field(default=8192, ge=64)
    tiles_shown: int = Field(default=4, ge=1, le=12)
    exports: tuple[Literal["geojson", "ome_tiff"], ...] = ("geojson", "ome_tiff")

    @property
    def scale(self) -> ScaleRecipe:
        """The recipe of the colour scale that drawings by this recipe share."""
        return ScaleRecipe(smoothing_um=self.smoothing_um, percentile=self.percentile)


@dataclass(frozen=True)
class HeatmapCheckpoint:
    """One trained model with its maps of the slide; where its predictions are in hand, they are checked."""

    arm: str
    seed: int
    attributions: Attributions
    predictions: Predictions | None = None
    fold: int | None = None

    @property
    def name(self) -> str:
        """The name that files carry."""
        return self.model.short

    @property
    def model(self) -> ModelKey:
        """Where it stands in the study."""
        return ModelKey(self.arm, self.seed, self.fold)


@dataclass(frozen=True)
class HeatmapJob:
    """The drawings of one explainer on one slide.

    Attributes:
        tiles: the slide's tiles, with ``slide.json`` and ``thumbnail.png``.
        explainer: id of the explainer, for the legends.
        signed: False where the explainer gives magnitudes; the scale then begins at zero.
        classes: class names in the order of the logits.
        target: index of the explained class.
        checkpoints: in the order of the panels; all share the colour scale.
        slide_score: the rule by which evaluation scores a slide.
        recipe: how to draw.
        scale: the colour scale of all models and slides of the study; None: one is made of this job alone,
            and the legends say that it is not that of other slides.
    """

    tiles: TileSet
    explainer: str
    signed: bool
    classes: tuple[str, ...]
    target: int
    checkpoints: tuple[HeatmapCheckpoint, ...]
    slide_score: SlideScore
    recipe: HeatmapRecipe = field(default_factory=HeatmapRecipe)
    scale: ScaleInfo | None = None

    @property
    def target_class(self) -> str:
        """Name of the explained class."""
        return self.classes[self.target]

"""The inputs of the heatmaps of one slide: an explainer, its recipe and the checkpoints to compare."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from tasks.artifacts.colour_scale import ScaleInfo
from tasks.artifacts.key import ModelKey
from tasks.artifacts.predictions import Predictions
from tasks.artifacts.tile_set import TileSet
from tasks.reporting.maps.drawn_maps import DrawnMaps

SlideScore = Callable[[NDArray[np.float64]], float]
"""Computes a slide score from the target probabilities [N] of a slide's tiles."""


class HeatmapError(Exception):
    """A heatmap would not show what was evaluated. The sentence says where."""


class ScaleRecipe(BaseModel):
    """The fields of :class:`HeatmapRecipe` on which the common colour scale depends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    smoothing_um: float = Field(ge=0, le=100)
    percentile: float = Field(gt=50, le=100)


class HeatmapRecipe(BaseModel):
    """How heatmaps are drawn. No setting changes a raw value.

    Attributes:
        smoothing_um: standard deviation in micrometres of the Gaussian that smooths slide maps for drawing;
            0 for none. Without it, signed pixel maps are unreadable grain. Stored maps stay raw. Values of
            whole tiles are never smoothed.
        percentile: sets the end of an explainer's colour scale. It is the median over all models of this
            percentile of |value|, taken over a model's maps of all slides without zeros.
        opacity: opacity of the full colour over the tissue, 0 to 1.
        max_side_px: longest side of a stitched raw map. Longer maps get larger pixels, by whole factors.
        tiles_shown: number of tiles of highest and of lowest probability in ``tiles.png``; of slides, of
            highest and of lowest value.
        exports: further files per model, none by default. ``geojson`` holds the tiles with their figures for
            QuPath, ``ome_tiff`` the raw map and the probabilities as a pyramid. Where a map has one value
            per tile, a pixel of the pyramid is a tile, and ``geojson`` also has the sufficient set.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    smoothing_um: float = Field(default=4.0, ge=0, le=100)
    percentile: float = Field(default=99.0, gt=50, le=100)
    opacity: float = Field(default=0.8, gt=0, le=1)
    max_side_px: int = Field(default=8192, ge=64)
    tiles_shown: int = Field(default=4, ge=1, le=12)
    exports: tuple[Literal["geojson", "ome_tiff"], ...] = ()

    @property
    def scale(self) -> ScaleRecipe:
        """The recipe of the common colour scale."""
        return ScaleRecipe(smoothing_um=self.smoothing_um, percentile=self.percentile)

    @property
    def of_tiles(self) -> "HeatmapRecipe":
        """The recipe where a map has one value per tile: nothing is smoothed."""
        return self.model_copy(update={"smoothing_um": 0.0})


@dataclass(frozen=True)
class HeatmapCheckpoint:
    """One trained model with its maps of the slide. Its predictions, where available, are checked.

    ``sufficient`` is the number of leading tiles that keep the call of the slide, where a model was asked
    about slides; None where nobody asked.
    """

    arm: str
    seed: int
    attributions: DrawnMaps
    predictions: Predictions | None = None
    fold: int | None = None
    sufficient: int | None = None

    @property
    def name(self) -> str:
        """Name used in file names, for instance ``standard_s0``."""
        return self.model.short

    @property
    def model(self) -> ModelKey:
        """Key of the model in the study."""
        return ModelKey(self.arm, self.seed, self.fold)


@dataclass(frozen=True)
class HeatmapJob:
    """The drawings of one explainer on one slide.

    Attributes:
        tiles: the slide's tiles, with ``slide.json`` and ``thumbnail.png``.
        explainer: id of the explainer, for the legends.
        signed: False where the explainer returns magnitudes. The scale then starts at zero.
        classes: class names in the order of the logits.
        target: index of the explained class.
        checkpoints: in the order of the panels. All share the colour scale.
        slide_score: how evaluation scores a slide.
        recipe: how to draw.
        scale: the colour scale of all models and slides of the study. None computes one from this job alone,
            and the legends say that other slides have other scales.
        halo_px: pixels around each tile that were explained with it, for the legends.
        level: whether models were asked about tiles, or about the slide: a map then has one value per tile.
        class_free: whether the values are the same whatever class is asked for. They are never drawn signed.
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
    halo_px: int = 0
    level: Literal["tile", "slide"] = "tile"
    class_free: bool = False

    @property
    def target_class(self) -> str:
        """Name of the explained class."""
        return self.classes[self.target]

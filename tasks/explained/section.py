"""The section of the study file about explanations: which slides, by what, beside which controls."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from tasks.artifacts.attributions import MapDtype
from tasks.artifacts.faithfulness_report import MODEL
from tasks.artifacts.key import ArtifactKey
from tasks.calibration.recipe import CalibrationRecipe
from tasks.exemplars.base import Exemplars
from tasks.explainers.base import AnyExplainer, Explainer
from tasks.explaining.controls import all_controls
from tasks.plugins import plugin_type
from tasks.reporting.maps.job import HeatmapRecipe
from tasks.study.config import Section, Split, refuse_repeats

MOST_HALO_PX = 32
"""The halo of ``auto`` on large tiles; docs/explanations.md shows what is left of the border effect there."""
MOST_TILES = 512
"""The default sample of a slide; docs/explanations.md says why."""
DRAWN_SLIDES = 24
"""Slides of a cohort whose heatmaps are drawn, at level slide."""

if TYPE_CHECKING:
    AnyExemplars = Exemplars
else:
    AnyExemplars = plugin_type(Exemplars)


CHAIN = "tile_to_pixel"
"""What stands for an explainer in the keys of maps of leading tiles."""


class TileToPixelSection(Section):
    """Maps of the tiles that add most to the score of a slide, in studies of level slide."""

    explainer: AnyExplainer = Field(default={"name": "integrated_gradients"}, validate_default=True)
    """An explainer of pixels. It explains the margin of the slide as the pixels of one tile change."""
    tiles: int = Field(8, ge=1)
    """Maps per slide."""


class ExplainSection(Section):
    """Which slides are explained, by what, and beside which maps that see no trained model."""

    splits: tuple[Split, ...] = ("test",)
    tiles_per_slide: Annotated[int, Field(ge=1)] | Literal["all"] | None = MOST_TILES
    """Explain at most this many tiles per slide, the same for all models and explainers: those whose ids have
    the lowest hashes. ``all``, or null: all that could be read. Predictions are always of all."""
    map_dtype: MapDtype = "float16"
    """How maps are stored. float16 keeps 11 bits of each value and a scale per map, in half the room."""
    explainers: tuple[AnyExplainer, ...] = Field(min_length=1)
    controls: tuple[AnyExplainer, ...] = ()
    """Baselines that an explanation must beat. Left out: all there are; those that hold an explainer hold the
    first of ``explainers``. An empty list: none."""
    exemplars: tuple[AnyExemplars, ...] = ()
    """Explanations that are no maps: nearest tiles, preferred images."""
    halo_px: Literal["auto"] | Annotated[int, Field(strict=True, ge=0, le=1024)] = "auto"
    """Pixels read around a tile on each side, so that its border is explained like its middle. The larger
    image is explained, and its middle is kept. ``auto``: a quarter of the tile, at most 32, for our own
    networks; 0 for a ``module``, which may take images of one size only."""
    heatmaps: HeatmapRecipe = HeatmapRecipe()
    drawn_slides: Annotated[int, Field(ge=1)] | Literal["all"] | None = None
    """Draw heatmaps of at most this many slides, and show them on the review page: those whose ids have the
    lowest hashes. Left out: all at level tile, and 24 at level slide, where a cohort has many."""
    tile_to_pixel: TileToPixelSection | None = None
    """Follows the score of a slide to pixels, through the encoder; None: not."""

    @model_validator(mode="before")
    @classmethod
    def _every_control(cls, data: Any) -> Any:
        if isinstance(data, dict) and "controls" not in data and data.get("explainers"):
            return {**data, "controls": all_controls(data["explainers"][0])}
        return data

    @classmethod
    def at_level(cls, data: Any, level: str) -> Any:
        """Return the raw section with all controls of that level, where it lists none itself."""
        if level != "slide" or not isinstance(data, dict) or "controls" in data or not data.get("explainers"):
            return data
        return {**data, "controls": all_controls(data["explainers"][0], "features")}

    @model_validator(mode="after")
    def _unique(self) -> Self:
        refuse_repeats("explainer ids", (e.id for e in (*self.everything, *self.exemplars)))
        if MODEL in {e.id for e in self.everything}:
            raise ValueError(
                f"the id {MODEL!r} is reserved for what is measured on a model without an explainer; "
                "give that explainer another id"
            )
        if CHAIN in {e.id for e in self.everything}:
            raise ValueError(f"the id {CHAIN!r} is reserved for maps of leading tiles; give another id")
        strangers = [e.id for e in self.controls if not e.control]
        if strangers:
            raise ValueError(f"{', '.join(strangers)} is no control map; list it under 'explainers'")
        return self

    @property
    def most_tiles(self) -> int | None:
        """The largest number of tiles that is explained per slide; None: all."""
        return None if self.tiles_per_slide == "all" else self.tiles_per_slide

    def most_drawn(self, level: str) -> int | None:
        """Return the largest number of slides whose heatmaps are drawn; None: all."""
        if self.drawn_slides is None:
            return DRAWN_SLIDES if level == "slide" else None
        return None if self.drawn_slides == "all" else self.drawn_slides

    @property
    def everything(self) -> tuple[Explainer, ...]:
        """Explainers, then controls."""
        return (*self.explainers, *self.controls)

    def explainer(self, key: ArtifactKey) -> Explainer:
        """Return the explainer or control that ``key`` names."""
        return next(explainer for explainer in self.everything if explainer.id == key.explainer)

    @property
    def searches(self) -> dict[CalibrationRecipe, str]:
        """Each search for a sigma, with the id of the first explainer that asks for it."""
        searches: dict[CalibrationRecipe, str] = {}
        for explainer in self.everything:
            recipe = explainer.calibration_recipe()
            if recipe is not None:
                searches.setdefault(recipe, explainer.id)
        return searches

"""Stage explain: the maps of one explainer on one slide, for one model."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import torch
from pydantic import Field, model_validator

from tasks.artifacts.attributions import Attributions, MapDtype
from tasks.artifacts.calibration import Calibration
from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.faithfulness_report import MODEL
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.artifacts.surrounded_tiles import SurroundedTiles
from tasks.artifacts.tile_set import TileSet
from tasks.calibration.recipe import CalibrationRecipe
from tasks.exemplars.base import Exemplars
from tasks.explainers.base import AnyExplainer, Explainer
from tasks.explaining.block import AttributionSettings
from tasks.explaining.calibrated import calibrated
from tasks.explaining.controls import all_controls
from tasks.explaining.slide import attribute_slide
from tasks.models.kept_classifier import kept_classifier
from tasks.plugins import modules_of, plugin_type, recipe_of
from tasks.reporting.maps.job import HeatmapRecipe
from tasks.samples.axes import refuse_misfit
from tasks.slides.manifest import SlideRow
from tasks.study.config import Section, Split, StudyBase, refuse_repeats
from tasks.study.stage import BuildContext, Measures, Planned, Stage, required
from tasks.study.study import Study
from tasks.tile import tile_key
from tasks.tiling.recipe import TilingRecipe
from tasks.train import PlannedModel, TrainSection, models, target_of

MOST_HALO_PX = 32
"""The halo of ``auto`` on large tiles; docs/explanations.md shows what is left of the border effect there."""
MOST_TILES = 512
"""The default sample of a slide; docs/explanations.md says why."""

if TYPE_CHECKING:
    AnyExemplars = Exemplars
else:
    AnyExemplars = plugin_type(Exemplars)


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

    @model_validator(mode="before")
    @classmethod
    def _every_control(cls, data: Any) -> Any:
        if isinstance(data, dict) and "controls" not in data and data.get("explainers"):
            return {**data, "controls": all_controls(data["explainers"][0])}
        return data

    @model_validator(mode="after")
    def _unique(self) -> Self:
        refuse_repeats("explainer ids", (e.id for e in (*self.everything, *self.exemplars)))
        if MODEL in {e.id for e in self.everything}:
            raise ValueError(
                f"the id {MODEL!r} is reserved for what is measured on a model without an explainer; "
                "give that explainer another id"
            )
        strangers = [e.id for e in self.controls if not e.control]
        if strangers:
            raise ValueError(f"{', '.join(strangers)} is no control map; list it under 'explainers'")
        return self

    @property
    def most_tiles(self) -> int | None:
        """The largest number of tiles that is explained per slide; None: all."""
        return None if self.tiles_per_slide == "all" else self.tiles_per_slide

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


def explained_rows(study: Study, model: PlannedModel) -> list[SlideRow]:
    """Return the slides that ``model`` explains."""
    splits = study.section(ExplainSection).splits
    return [row for row in model.rows(study.slides) if row.split in splits]


def explained_models(study: Study) -> list[tuple[PlannedModel, list[SlideRow]]]:
    """Return the models that explain any slide, each with the slides that it explains."""
    pairs = [(model, explained_rows(study, model)) for model in models(study)]
    return [(model, rows) for model, rows in pairs if rows]


def explained_slides(study: Study) -> list[str]:
    """Return the ids of the slides that any model explains, in the order of the manifest."""
    explained = {row.slide_id for _, rows in explained_models(study) for row in rows}
    return [row.slide_id for row in study.slides if row.slide_id in explained]


def halo_of(study: Study, explainer: Explainer) -> int:
    """Return how many pixels around a tile ``explainer`` sees; 0 for a map of the tile itself."""
    if not explainer.takes_halo:
        return 0
    asked = study.section(ExplainSection).halo_px
    if asked != "auto":
        return asked
    if study.section(TrainSection).recipe.network.module is not None:
        return 0
    return min(study.section(TilingRecipe).tile_px // 4, MOST_HALO_PX)


def surrounded_of(study: Study, explainer: Explainer, slide: str) -> dict[str, ArtifactKey]:
    """Return the surroundings that ``explainer`` needs of ``slide``; empty where it needs none."""
    return {"surrounded": ArtifactKey("surround", slide=slide)} if halo_of(study, explainer) else {}


def sample_of(study: Study) -> dict[str, int]:
    """Return the sample of tiles where there is one. The recipe of maps of all tiles does not mention it."""
    most = study.section(ExplainSection).most_tiles
    return {} if most is None else {"tiles_per_slide": most}


def dtype_recipe(study: Study) -> dict[str, str]:
    """Return how maps are stored. The recipe of maps of full precision does not mention it."""
    dtype = study.section(ExplainSection).map_dtype
    return {} if dtype == "float32" else {"map_dtype": dtype}


def maps_key(model: PlannedModel, explainer: Explainer, slide: str) -> ArtifactKey:
    """Return the key of the maps of ``explainer`` on ``slide``; those of a blind control are of no model."""
    return ArtifactKey("explain", None if explainer.blind else model.key, explainer.id, slide)


def calibration_of(study: Study, model: ModelKey, explainer: Explainer) -> dict[str, ArtifactKey]:
    """Return the calibration that ``explainer`` waits for as an input; empty where it waits for none."""
    recipe = explainer.calibration_recipe()
    if recipe is None:
        return {}
    return {"calibration": ArtifactKey("calibrate", model, study.section(ExplainSection).searches[recipe])}


@dataclass(frozen=True)
class ExplainInputs:
    """A model, a slide, what surrounds its tiles, and the sigma of explainers that wait for one.

    A blind control has no model.
    """

    checkpoint: Checkpoint | None = required()
    tiles: TileSet = required()
    surrounded: SurroundedTiles | None = required()
    calibration: Calibration | None = required()


class Explain(Stage[ExplainInputs]):
    """One set of Attributions per model, explainer and slide; of blind controls one per slide."""

    name = "explain"
    group = "explain"
    makes = Attributions
    section = ExplainSection
    asks_models = True

    def plan(self, study: Study) -> Iterator[Planned]:
        """Yield the maps of every blind control and slide, then those of every model."""
        section = study.section(ExplainSection)
        for control in section.everything:
            for slide in explained_slides(study) if control.blind else ():
                yield self._planned(study, None, control, slide)
        for model, rows in explained_models(study):
            for explainer in section.everything:
                for row in rows if not explainer.blind else ():
                    yield self._planned(study, model, explainer, row.slide_id)

    def _planned(self, study: Study, model: PlannedModel | None, explainer: Explainer, slide: str) -> Planned:
        of_model = {} if model is None else {"checkpoint": model.checkpoint}
        return Planned(
            key=ArtifactKey(self.name, None if model is None else model.key, explainer.id, slide),
            recipe={
                "explainer": recipe_of(explainer),
                "target": target_of(study),
                **({} if model is None else {"device": study.device}),
                **halo_recipe(study, explainer),
                **sample_of(study),
                **dtype_recipe(study),
            },
            modules=(
                "tasks.explaining.slide",
                "tasks.explaining.calibrated",
                "tasks.models.kept_classifier",
                *modules_of(explainer),
            ),
            inputs={
                **of_model,
                "tiles": tile_key(slide),
                **surrounded_of(study, explainer, slide),
                **({} if model is None else calibration_of(study, model.key, explainer)),
            },
        )

    def build(self, inputs: ExplainInputs, out: Path, context: BuildContext) -> Measures:
        """Explain the slide; a run that was stopped goes on after the last finished tiles."""
        study = context.study
        section = study.section(ExplainSection)
        # Without a model there is nothing for a GPU, and the same bytes on every machine.
        device = context.device if inputs.checkpoint else "cpu"
        settings = AttributionSettings(
            target=target_of(study),
            batch=study.config.resources.batch,
            device=device,
            tiles_per_slide=section.most_tiles,
            surrounded=inputs.surrounded,
            map_dtype=section.map_dtype,
        )
        explainer = calibrated(section.explainer(context.key), inputs.calibration)
        model = (
            kept_classifier(inputs.checkpoint, torch.device(device)) if inputs.checkpoint else nullcontext()
        )
        with model as asked:
            return attribute_slide(
                asked, inputs.tiles, explainer, settings, out, context.work, context.advance
            )

    def check(self, config: StudyBase) -> None:
        """Refuse folds that explain a slide more than once, and explainers that cannot read the model."""
        splits = config.section(ExplainSection).splits
        if config.folds is not None and splits not in (("test",), ("val",)):
            raise ValueError(
                f"with folds, explain.splits must be [test] or [val], got {list(splits)}: "
                "results are pooled over folds, so each slide must be explained by one of them"
            )
        network = config.section(TrainSection).recipe.network
        for explainer in config.section(ExplainSection).everything:
            refuse_misfit(
                where="explain.explainers",
                subject=f"explainer {explainer.id!r} reads",
                takes=explainer.accepts,
                giver="the network takes",
                gives={network.input},
            )


def halo_recipe(study: Study, explainer: Explainer) -> dict[str, int]:
    """Return the halo where there is one. The recipe of maps without a halo does not mention it."""
    halo_px = halo_of(study, explainer)
    return {"halo_px": halo_px} if halo_px else {}

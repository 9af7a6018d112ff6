"""Stage draw: the heatmaps of one explainer on one slide, all models on one colour scale."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.artifacts.attributions import Attributions
from tasks.artifacts.colour_scale import ColourScale
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.artifacts.pages import Heatmaps
from tasks.artifacts.predictions import Predictions
from tasks.artifacts.tile_set import TileSet
from tasks.explain import (
    ExplainSection,
    explained_models,
    explained_slides,
    halo_of,
    halo_recipe,
    maps_key,
)
from tasks.plugins import modules_of, recipe_of
from tasks.predict import PredictSection
from tasks.reporting.maps.job import HeatmapCheckpoint, HeatmapJob
from tasks.study.stage import BuildContext, Measures, Planned, Stage, optional_on_failure, required, some
from tasks.study.study import Study
from tasks.tile import tile_key
from tasks.tiling.recipe import TilingRecipe
from tasks.train import target_of


@dataclass(frozen=True)
class DrawInputs:
    """A slide, its maps of all models, and the colour scale. Maps are checked against predictions."""

    tiles: TileSet = required()
    scale: ColourScale = required()
    maps: Mapping[ModelKey, Attributions] = some()
    predictions: Mapping[ModelKey, Predictions] = optional_on_failure()


class Draw(Stage[DrawInputs]):
    """One set of Heatmaps per explainer and slide. Controls are not drawn."""

    name = "draw"
    group = "explain"
    makes = Heatmaps

    def plan(self, study: Study) -> Iterator[Planned]:
        """Yield the drawings of every explainer and slide."""
        section, pairs = study.section(ExplainSection), explained_models(study)
        aggregator = study.section(PredictSection).aggregator
        for explainer in section.explainers:
            for slide in explained_slides(study):
                drawn = [m for m, rows in pairs if slide in {row.slide_id for row in rows}]
                yield Planned(
                    key=ArtifactKey(self.name, explainer=explainer.id, slide=slide),
                    recipe={
                        "explainer": explainer.id,
                        "signed": explainer.signed_maps,
                        "classes": study.section(TilingRecipe).classes,
                        "target": target_of(study),
                        "heatmaps": recipe_of(section.heatmaps),
                        "aggregator": recipe_of(aggregator),
                        **halo_recipe(study, explainer),
                    },
                    modules=("tasks.reporting.heatmaps.draw", *modules_of(aggregator)),
                    inputs={
                        "tiles": tile_key(slide),
                        "scale": ArtifactKey("scale", explainer=explainer.id),
                        "maps": {model.key: maps_key(model, explainer, slide) for model in drawn},
                        "predictions": {model.key: ArtifactKey("predict", model.key) for model in drawn},
                    },
                )

    def build(self, inputs: DrawInputs, out: Path, context: BuildContext) -> Measures | None:
        """Draw the maps."""
        from tasks.reporting.heatmaps.draw import draw_slide  # Matplotlib, which a plan does not need

        study = context.study
        section = study.section(ExplainSection)
        explainer = section.explainer(context.key)
        job = HeatmapJob(
            tiles=inputs.tiles,
            explainer=explainer.id,
            signed=explainer.signed_maps,
            classes=study.section(TilingRecipe).classes,
            target=target_of(study),
            checkpoints=tuple(
                HeatmapCheckpoint(
                    model.arm, model.seed, maps.pixel_maps, inputs.predictions.get(model), model.fold
                )
                for model, maps in inputs.maps.items()
            ),
            slide_score=study.section(PredictSection).aggregator.score,
            recipe=section.heatmaps,
            scale=inputs.scale.info,
            halo_px=halo_of(study, explainer),
        )
        return draw_slide(job, out)

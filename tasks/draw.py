"""Stage draw: the heatmaps of one explainer on one slide, all models on one colour scale."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from tasks.artifacts.attributions import Attributions
from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.colour_scale import ColourScale, ScaleInfo
from tasks.artifacts.feature_set import FeatureSet
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.artifacts.pages import Heatmaps
from tasks.artifacts.predictions import Predictions
from tasks.artifacts.tile_set import TileSet
from tasks.embed import feature_key
from tasks.explain import ExplainSection, explained_models, explained_slides, halo_of, halo_recipe
from tasks.explainers.base import Explainer
from tasks.explaining.sufficient import sufficient_tiles
from tasks.functional.sample import sampled
from tasks.models.bag_classifier import load_bag_classifier
from tasks.plugins import modules_of, recipe_of
from tasks.predict import PredictSection
from tasks.reporting.maps.job import HeatmapCheckpoint, HeatmapJob, HeatmapRecipe
from tasks.scale import drawing_recipe, drawn_maps, maps_of
from tasks.slides.manifest import SlideRow
from tasks.study.config import StudyBase
from tasks.study.stage import BuildContext, Measures, Planned, Stage, optional_on_failure, required, some
from tasks.study.study import Study
from tasks.tile import tile_key
from tasks.tiling.recipe import TilingRecipe
from tasks.train import PlannedModel, target_of


@dataclass(frozen=True)
class DrawInputs:
    """A slide, its maps of all models, and the colour scale. Maps are checked against predictions.

    The sufficient set needs features and models.
    """

    tiles: TileSet = required()
    features: FeatureSet | None = required()
    scale: ColourScale = required()
    maps: Mapping[ModelKey, Attributions] = some()
    predictions: Mapping[ModelKey, Predictions] = optional_on_failure()
    checkpoints: Mapping[ModelKey, Checkpoint] | None = some()


class Draw(Stage[DrawInputs]):
    """One set of Heatmaps per explainer and slide. Controls are not drawn."""

    name = "draw"
    group = "explain"
    makes = Heatmaps

    def plan(self, study: Study) -> Iterator[Planned]:
        """Yield the drawings of every explainer and slide."""
        pairs = explained_models(study)
        for explainer in study.section(ExplainSection).explainers:
            for slide in drawn_slides(study):
                drawn = [m for m, rows in pairs if slide in {row.slide_id for row in rows}]
                if study.config.level == "slide":
                    yield self._of_slide(study, explainer, study.row[slide], drawn)
                else:
                    yield self._of_tiles(study, explainer, slide, drawn)

    def _of_tiles(self, study: Study, explainer: Explainer, slide: str, drawn: list[PlannedModel]) -> Planned:
        aggregator = study.section(PredictSection).aggregator
        return Planned(
            key=ArtifactKey(self.name, explainer=explainer.id, slide=slide),
            recipe={
                "explainer": explainer.id,
                "signed": explainer.signed_maps,
                "classes": study.section(TilingRecipe).classes,
                "target": target_of(study),
                "heatmaps": recipe_of(study.section(ExplainSection).heatmaps),
                "aggregator": recipe_of(aggregator),
                **halo_recipe(study, explainer),
            },
            modules=("tasks.reporting.heatmaps.draw", *modules_of(aggregator)),
            inputs={"tiles": tile_key(slide), **_drawn(study, explainer, slide, drawn)},
        )

    def _of_slide(
        self, study: Study, explainer: Explainer, row: SlideRow, drawn: list[PlannedModel]
    ) -> Planned:
        slide, recipe = row.slide_id, drawing_recipe(study)
        marks_sets = "geojson" in recipe.exports
        return Planned(
            key=ArtifactKey(self.name, explainer=explainer.id, slide=slide),
            recipe={
                "explainer": explainer.id,
                "signed": is_drawn_signed(study, explainer),
                "class_free": is_class_free(explainer),
                "classes": study.section(TilingRecipe).classes,
                "target": target_of(study),
                "heatmaps": recipe_of(recipe),
                "level": "slide",
            },
            modules=(
                "tasks.reporting.heatmaps.draw",
                *(("tasks.explaining.sufficient", "tasks.models.bag_classifier") if marks_sets else ()),
            ),
            inputs={
                "tiles": tile_key(slide),
                **({"features": feature_key(slide)} if marks_sets else {}),
                **({"checkpoints": {m.key: m.checkpoint for m in drawn}} if marks_sets else {}),
                **_drawn(study, explainer, slide, drawn),
            },
        )

    def build(self, inputs: DrawInputs, out: Path, context: BuildContext) -> Measures | None:
        """Draw the maps."""
        from tasks.reporting.heatmaps.draw import draw_slide  # Matplotlib, which a plan does not need

        drawn = tuple(_checkpoints(inputs, str(context.key.slide)))
        job = _job(context.study, context.key, inputs.tiles, drawn, inputs.scale.info)
        return draw_slide(job, out)

    def check(self, config: StudyBase) -> None:
        """Refuse to smooth what has one value per tile."""
        asked = config.section(ExplainSection).heatmaps.smoothing_um
        if config.level == "slide" and asked not in (0.0, HeatmapRecipe().smoothing_um):
            raise ValueError(
                f"explain.heatmaps.smoothing_um is {asked:g}, but a study of level slide has one value per "
                "tile, which is painted on the tile as it is; leave it out, or set it to 0"
            )


def first_look_job(
    study: Study, key: ArtifactKey, tiles: TileSet, maps: Attributions, slide: str
) -> HeatmapJob:
    """Return how one map of one model is drawn before there is a scale for all.

    Args:
        study: the study.
        key: of the map.
        tiles: the tiles of the slide.
        maps: the map, which holds the slide.
        slide: id of the slide.
    """
    model, shown = key.model, drawn_maps(maps, slide)
    assert model is not None
    assert shown is not None
    return _job(study, key, tiles, (HeatmapCheckpoint(model.arm, model.seed, shown, None, model.fold),), None)


def _job(
    study: Study,
    key: ArtifactKey,
    tiles: TileSet,
    checkpoints: tuple[HeatmapCheckpoint, ...],
    scale: ScaleInfo | None,
) -> HeatmapJob:
    explainer = study.section(ExplainSection).explainer(key)
    of_slides = study.config.level == "slide"
    return HeatmapJob(
        tiles=tiles,
        explainer=explainer.id,
        signed=is_drawn_signed(study, explainer),
        classes=study.section(TilingRecipe).classes,
        target=target_of(study),
        checkpoints=checkpoints,
        slide_score=study.section(PredictSection).aggregator.score,
        recipe=drawing_recipe(study),
        scale=scale,
        halo_px=0 if of_slides else halo_of(study, explainer),
        level=study.config.level,
        class_free=of_slides and is_class_free(explainer),
    )


def is_class_free(explainer: Explainer) -> bool:
    """Return whether the values of an explainer, or of the one that it holds, are of no class."""
    return explainer.class_free or (explainer.held is not None and is_class_free(explainer.held))


def is_drawn_signed(study: Study, explainer: Explainer) -> bool:
    """Return whether the colours of an explainer's maps have two sides; values of no class have one."""
    if study.config.level == "tile":
        return explainer.signed_maps
    return explainer.signed_for("features") and not is_class_free(explainer)


def _drawn(
    study: Study, explainer: Explainer, slide: str, drawn: list[PlannedModel]
) -> dict[str, ArtifactKey | dict[ModelKey, ArtifactKey]]:
    """Return the inputs that all drawings have: the scale, and of each model its maps and predictions."""
    return {
        "scale": ArtifactKey("scale", explainer=explainer.id),
        "maps": {model.key: maps_of(study, model, explainer, [slide])[0] for model in drawn},
        "predictions": {model.key: ArtifactKey("predict", model.key) for model in drawn},
    }


def _checkpoints(inputs: DrawInputs, slide: str) -> Iterator[HeatmapCheckpoint]:
    """Yield the models whose maps hold the slide."""
    for model, stored in inputs.maps.items():
        maps = drawn_maps(stored, slide)
        if maps is not None:
            yield HeatmapCheckpoint(
                model.arm,
                model.seed,
                maps,
                inputs.predictions.get(model),
                model.fold,
                _sufficient(inputs, model, stored, slide),
            )


def _sufficient(inputs: DrawInputs, model: ModelKey, stored: Attributions, slide: str) -> int | None:
    """Return how many leading tiles keep the call of the slide; None where nobody asked."""
    checkpoint = (inputs.checkpoints or {}).get(model)
    if checkpoint is None or inputs.features is None:
        return None
    # On the CPU: a drawing holds no device, and the logits of one slide are asked for.
    classifier = load_bag_classifier(checkpoint, torch.device("cpu"))
    return sufficient_tiles(classifier, inputs.features.features(), stored.tile_scores.values(slide))


def drawn_slides(study: Study) -> list[str]:
    """Return the slides whose heatmaps are drawn, in the order of the study."""
    slides = list(explained_slides(study))
    most = study.section(ExplainSection).most_drawn(study.config.level)
    return [slides[place] for place in sampled(slides, most)]

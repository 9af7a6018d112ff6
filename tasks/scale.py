"""Stage scale: the one colour scale of an explainer's maps."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.artifacts.afresh import afresh
from tasks.artifacts.attributions import Attributions
from tasks.artifacts.colour_scale import EVERY_MODEL, ColourScale
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.tile_set import TileSet
from tasks.explain import ExplainSection, explained_models, explained_slides, maps_key
from tasks.explained.bags import scores_key
from tasks.explainers.base import Explainer
from tasks.reporting.maps.drawn_maps import DrawnMaps, PaintedTiles
from tasks.reporting.maps.job import HeatmapRecipe
from tasks.reporting.maps.scale import ScaledSlide, write_scale
from tasks.study.stage import BuildContext, Measures, Planned, Stage, optional_on_failure, some
from tasks.study.study import Study
from tasks.tile import tile_key
from tasks.train import PlannedModel


@dataclass(frozen=True)
class ScaleInputs:
    """The maps of one explainer of all models and slides."""

    tiles: Mapping[str, TileSet] = optional_on_failure()
    maps: Mapping[ArtifactKey, Attributions] = some()


class Scale(Stage[ScaleInputs]):
    """One ColourScale per explainer or control, over all models and slides."""

    name = "scale"
    group = "explain"
    makes = ColourScale

    def plan(self, study: Study) -> Iterator[Planned]:
        """Yield the scale of every explainer and control."""
        section, pairs = study.section(ExplainSection), explained_models(study)
        for explainer in section.everything:
            maps = [
                key
                for model, rows in pairs
                for key in maps_of(study, model, explainer, (row.slide_id for row in rows))
            ]
            yield Planned(
                key=ArtifactKey(self.name, explainer=explainer.id),
                recipe={"scale": drawing_recipe(study).scale.model_dump(mode="json")},
                modules=("tasks.reporting.maps.scale",),
                inputs={
                    "tiles": {slide: tile_key(slide) for slide in explained_slides(study)},
                    "maps": {key: key for key in maps},
                },
            )

    def build(self, inputs: ScaleInputs, out: Path, context: BuildContext) -> Measures | None:
        """Find where the colours end."""
        # One slide at a time, so that none is held open.
        slides = (
            ScaledSlide(tiles=afresh(tiles), maps=_maps_on(slide, inputs.maps))
            for slide, tiles in inputs.tiles.items()
        )
        return write_scale(slides, drawing_recipe(context.study).scale, out)


def maps_of(
    study: Study, model: PlannedModel, explainer: Explainer, slides: Iterable[str]
) -> list[ArtifactKey]:
    """Return the keys of the maps of ``slides``: one of all slides where models are asked about slides."""
    if study.config.level == "slide":
        return [scores_key(model, explainer)]
    return [maps_key(model, explainer, slide) for slide in slides]


def drawn_maps(stored: Attributions, slide: str) -> DrawnMaps | None:
    """Return what is drawn of ``slide``; None where scores of all slides have none of it."""
    if stored.support == "pixel":
        return stored.pixel_maps
    scores = stored.tile_scores
    return PaintedTiles(scores, slide) if slide in scores else None


def drawing_recipe(study: Study) -> HeatmapRecipe:
    """Return how maps are drawn; values of whole tiles are never smoothed."""
    recipe = study.section(ExplainSection).heatmaps
    return recipe.of_tiles if study.config.level == "slide" else recipe


def _maps_on(slide: str, maps: Mapping[ArtifactKey, Attributions]) -> dict[str, DrawnMaps]:
    """Return the maps of a slide by the label of their model; blind controls have those of every model."""
    found = {
        str(key.model or EVERY_MODEL): drawn_maps(view, slide)
        for key, view in maps.items()
        if key.slide in (None, slide)
    }
    return {label: own for label, own in found.items() if own is not None}

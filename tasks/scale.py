"""Stage scale: the one colour scale of an explainer's maps."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.artifacts.afresh import afresh
from tasks.artifacts.attributions import Attributions, PixelMaps
from tasks.artifacts.colour_scale import EVERY_MODEL, ColourScale
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.tile_set import TileSet
from tasks.explain import ExplainSection, explained_models, explained_slides, maps_key
from tasks.reporting.maps.scale import ScaledSlide, write_scale
from tasks.study.stage import BuildContext, Measures, Planned, Stage, optional_on_failure, some
from tasks.study.study import Study
from tasks.tile import tile_key


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
            maps = [maps_key(model, explainer, row.slide_id) for model, rows in pairs for row in rows]
            yield Planned(
                key=ArtifactKey(self.name, explainer=explainer.id),
                recipe={"scale": section.heatmaps.scale.model_dump(mode="json")},
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
            ScaledSlide(tiles=afresh(tiles), maps=_maps_of(slide, inputs.maps))
            for slide, tiles in inputs.tiles.items()
        )
        return write_scale(slides, context.study.section(ExplainSection).heatmaps.scale, out)


def _maps_of(slide: str, maps: Mapping[ArtifactKey, Attributions]) -> dict[str, PixelMaps]:
    """Return the maps of a slide by the label of their model; blind controls have those of every model."""
    return {
        str(key.model or EVERY_MODEL): view.pixel_maps for key, view in maps.items() if key.slide == slide
    }

"""One colour scale for all maps of an explainer: of every arm, seed and slide of a study.

Were each slide drawn on a scale of its own, a slide without a lesion would look as hot as one with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tasks.artifacts.attribution_set import AttributionSet
from tasks.artifacts.colour_scale import SCALE, ScaleInfo, SlideScale
from tasks.artifacts.tile_set import TileSet
from tasks.heatmaps.drawn import drawn_map, ground_of, mapped_tiles
from tasks.heatmaps.job import HeatmapError, ScaleRecipe
from tasks.heatmaps.magnitudes import ROUNDING, Magnitudes
from tasks.slides.info import read_info

_BATCH = 512


@dataclass(frozen=True)
class ScaledSlide:
    """One slide with the maps of all models that explain it."""

    tiles: TileSet
    maps: tuple[AttributionSet, ...]


def write_scale(slides: Iterable[ScaledSlide], recipe: ScaleRecipe, out: Path) -> dict[str, float]:
    """Write the ColourScale of ``slides`` into ``out`` and return measures; see :func:`common_scale`."""
    info = common_scale(slides, recipe)
    (out / SCALE).write_text(info.model_dump_json(indent=1), encoding="utf-8")
    return {"slides": len(info.slides), "maps": info.maps, "colour_limit": info.limit}


def common_scale(slides: Iterable[ScaledSlide], recipe: ScaleRecipe) -> ScaleInfo:
    """Return the one scale for all ``slides``, looked at one at a time: memory is that of one drawn map.

    A slide without maps is passed over. Every drawn pixel counts once, so a slide counts by its tissue and
    all models alike; the order of slides and maps does not matter.

    Raises:
        HeatmapError: there is no map at all, or one of a tile that its tile set does not hold.
    """
    drawn, tiles, each = Magnitudes(), Magnitudes(), dict[str, SlideScale]()
    for slide in slides:
        if slide.maps:
            slide_id, own = _count(slide, recipe, tiles)
            drawn.add_all(own)
            each[slide_id] = SlideScale(
                maps=len(slide.maps), values=own.count, limit=own.percentile(recipe.percentile)
            )
    if not each:
        raise HeatmapError("a colour scale was asked for, but no slide has a map")
    return ScaleInfo(
        limit=drawn.percentile(recipe.percentile),
        tile_limit=tiles.percentile(recipe.percentile),
        percentile=recipe.percentile,
        smoothing_um=recipe.smoothing_um,
        rounding=ROUNDING,
        maps=sum(slide.maps for slide in each.values()),
        values=drawn.count,
        slides=each,
    )


def _count(slide: ScaledSlide, recipe: ScaleRecipe, tiles: Magnitudes) -> tuple[str, Magnitudes]:
    """Return the slide's id and its drawn values; add the values of its tiles to ``tiles``."""
    info, own = read_info(slide.tiles.folder), Magnitudes()
    ground = ground_of(info.geometry, recipe.smoothing_um)
    for maps in slide.maps:
        rows = mapped_tiles(slide.tiles, maps, info.slide_id)
        own.add(drawn_map(ground, rows, maps))
        for start in range(0, len(rows), _BATCH):
            tiles.add(maps.maps(slice(start, start + _BATCH)))
    return info.slide_id, own

"""The colour scale of an explainer, the same for every arm, seed and slide of a study.

With one scale per slide, a slide without a lesion would look as hot as a slide with one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tasks.artifacts.colour_scale import SCALE, ScaleInfo, SlideScale
from tasks.artifacts.tile_set import TileSet
from tasks.reporting.drawing.colour import common_end
from tasks.reporting.maps.abs_percentile import ROUNDING, AbsHistogram
from tasks.reporting.maps.drawn_maps import DrawnMaps
from tasks.reporting.maps.job import HeatmapError, ScaleRecipe
from tasks.reporting.maps.thread_map import thread_map
from tasks.reporting.maps.thumbnail_map import DrawingSurface, drawing_surface, mapped_tiles, thumbnail_map
from tasks.slides.info import read_info

_BATCH = 512


@dataclass(frozen=True)
class ScaledSlide:
    """One slide with the maps of all models; ``maps`` is {label of the model: maps}."""

    tiles: TileSet
    maps: Mapping[str, DrawnMaps]


def write_scale(slides: Iterable[ScaledSlide], recipe: ScaleRecipe, out: Path) -> dict[str, float]:
    """Write the ColourScale of ``slides`` into ``out`` and return its measures; see :func:`common_scale`."""
    info = common_scale(slides, recipe)
    (out / SCALE).write_text(info.model_dump_json(indent=1), encoding="utf-8")
    return {"slides": len(info.slides), "maps": info.maps, "colour_limit": info.limit}


def common_scale(slides: Iterable[ScaledSlide], recipe: ScaleRecipe) -> ScaleInfo:
    """Return the common scale of all ``slides``, which are read one at a time.

    Every drawn pixel of a model counts once, so slides are weighted by their tissue. The order of slides does
    not matter, and slides without maps are skipped. Memory: one drawn map per thread and 2 MB per model.

    Raises:
        HeatmapError: no slide has a map, or a map is of a tile that its tile set does not hold.
    """
    counts = _ModelCounts(recipe)
    each = dict(counts.add(slide) for slide in slides if slide.maps)
    if not each:
        raise HeatmapError("a colour scale was asked for, but no slide has a map")
    models = {name: own.percentile(recipe.percentile) for name, own in counts.drawn.items()}
    return ScaleInfo(
        limit=common_end(models.values()),
        tile_limit=common_end(own.percentile(recipe.percentile) for own in counts.tiles.values()),
        percentile=recipe.percentile,
        smoothing_um=recipe.smoothing_um,
        rounding=ROUNDING,
        maps=sum(slide.maps for slide in each.values()),
        values=sum(slide.values for slide in each.values()),
        slides=each,
        models=models,
    )


@dataclass(frozen=True)
class _ModelCounts:
    """The histograms per model: of its drawn maps, and of its tiles at the resolution of the network."""

    recipe: ScaleRecipe
    drawn: dict[str, AbsHistogram] = field(default_factory=lambda: defaultdict(AbsHistogram))
    tiles: dict[str, AbsHistogram] = field(default_factory=lambda: defaultdict(AbsHistogram))

    def add(self, slide: ScaledSlide) -> tuple[str, SlideScale]:
        """Count all maps of a slide and return the slide's id and own scale."""
        info = read_info(slide.tiles.folder)
        surface = drawing_surface(info.geometry, self.recipe.smoothing_um)
        counts = thread_map(lambda model: _histograms(slide, info.slide_id, surface, model), slide.maps)
        count, ends = 0, []
        for model, (drawn, pixels) in zip(slide.maps, counts, strict=True):
            self.drawn[model].add_all(drawn)
            self.tiles[model].add_all(pixels)
            count += drawn.count
            ends.append(drawn.percentile(self.recipe.percentile))
        return info.slide_id, SlideScale(maps=len(slide.maps), values=count, limit=common_end(ends))


def _histograms(
    slide: ScaledSlide, slide_id: str, surface: DrawingSurface, model: str
) -> tuple[AbsHistogram, AbsHistogram]:
    """Return the histograms of one model's drawn map and of its tile maps."""
    maps = slide.maps[model]
    rows = mapped_tiles(slide.tiles, maps, f"{slide_id}, {model}")
    drawn, pixels = AbsHistogram(), AbsHistogram()
    drawn.add(thumbnail_map(surface, rows, maps))
    for start in range(0, len(rows), _BATCH):
        pixels.add(maps.maps(slice(start, start + _BATCH)))
    return drawn, pixels

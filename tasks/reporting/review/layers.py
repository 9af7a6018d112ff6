"""All maps of one slide as the page draws them: as on the other drawings, then coarser until they fit."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tasks.artifacts.attributions import Attributions
from tasks.artifacts.tile_set import TileSet
from tasks.reporting.maps.mean_downsample import mean_downsample
from tasks.reporting.maps.stitch import Floats, RawMap, stitch
from tasks.reporting.maps.thread_map import thread_map
from tasks.reporting.maps.thumbnail_map import DrawingSurface, drawing_surface, mapped_tiles, thumbnail_map
from tasks.reporting.review.budget import MAP_FACTORS, first_side
from tasks.reporting.review.codes import map_codes, packed, probability_codes
from tasks.reporting.review.job import ReviewJob
from tasks.slides.info import SlideInfo

LayerKey = tuple[int, int]
"""Index of a layer and of an explainer; -1 for the explainer stands for the probability."""


@dataclass
class Blobs:
    """Packed arrays, equal ones once."""

    texts: dict[str, int] = field(default_factory=dict)

    def add(self, text: str) -> int:
        """Return the number of ``text``."""
        return self.texts.setdefault(text, len(self.texts))

    @property
    def size(self) -> int:
        """Bytes in the page."""
        return sum(len(text) + 3 for text in self.texts)


@dataclass(frozen=True)
class SlideLayers:
    """Everything needed to make the maps of one slide.

    ``limits`` are the ends of the colour scales, one an explainer; ``probabilities`` [N] of the target class
    for each layer that has them, NaN where a tile was not evaluated.
    """

    job: ReviewJob
    tiles: TileSet
    info: SlideInfo
    limits: tuple[float, ...]
    probabilities: dict[int, Floats]

    def packed(self, room: int, advance: Callable[[int], None]) -> dict[str, Any]:
        """Return the packed maps, coarsened by the first factor with which they take up to ``room`` bytes.

        ``advance`` is told of every map that was drawn.
        """
        surface = drawing_surface(self.info.geometry, self.job.recipe.smoothing_um)
        first = self._first_factor(surface, room)
        drawn = self._drawn(surface, first, advance)
        found: dict[str, Any] = {}
        for factor in MAP_FACTORS:
            blobs = Blobs()
            of = {
                layer: blobs.add(self._text(layer, mean_downsample(own, factor)))
                for layer, own in drawn.items()
            }
            found = self._result(surface, first * factor, of, blobs)
            if blobs.size <= room:
                break
        return found

    def _first_factor(self, surface: DrawingSurface, room: int) -> int:
        shape = (surface.canvas.height, surface.canvas.width)
        geometry = self.info.geometry
        area = float((self.tiles.table["extent_level0"] ** 2).sum())
        covered = min(1.0, area / (geometry.width_level0 * geometry.height_level0))
        maps = len(self.job.models) * (len(self.job.explainers) + 1)
        return max(1, int(max(shape) / first_side(room, maps, shape, covered)))

    def _drawn(
        self, surface: DrawingSurface, factor: int, advance: Callable[[int], None]
    ) -> dict[LayerKey, RawMap]:
        columns = (*range(len(self.job.explainers)), -1)
        wanted = [(p, e) for p in range(len(self.job.models)) for e in columns if self._holds(p, e)]
        found: dict[LayerKey, RawMap] = {}
        drawn = thread_map(lambda layer: mean_downsample(self._layer(surface, *layer), factor), wanted)
        for layer, own in zip(wanted, drawn, strict=True):
            found[layer] = own
            if layer[1] >= 0:
                advance(1)
        return found

    def _holds(self, p: int, e: int) -> bool:
        if e < 0:
            return p in self.probabilities
        maps = self._maps(p, e)
        return maps is not None and len(maps.index) > 0

    def _maps(self, p: int, e: int) -> Attributions | None:
        return self.job.maps.get((self.job.models[p], self.job.explainers[e].id, self.info.slide_id))

    def _layer(self, surface: DrawingSurface, p: int, e: int) -> RawMap:
        """Return what layer ``p`` shows of explainer ``e``, which is there, on the whole thumbnail."""
        maps = None if e < 0 else self._maps(p, e)
        if maps is None:
            known = np.isfinite(self.probabilities[p])
            flat = self.probabilities[p][known][:, None, None]
            return stitch(surface.canvas, self.tiles.table[known], flat)
        rows = mapped_tiles(self.tiles, maps, f"{self.job.models[p].words}, {self.job.explainers[e].id}")
        return thumbnail_map(surface, rows, maps)

    def _text(self, layer: LayerKey, values: RawMap) -> str:
        if layer[1] < 0:
            return packed(probability_codes(values))
        return packed(map_codes(values, self.limits[layer[1]]))

    def _result(
        self, surface: DrawingSurface, factor: int, of: dict[LayerKey, int], blobs: Blobs
    ) -> dict[str, Any]:
        canvas = surface.canvas
        width, height = -(-canvas.width // factor), -(-canvas.height // factor)
        explainers = range(len(self.job.explainers))
        return {
            "width": width,
            "height": height,
            # A last pixel may reach beyond the slide's edge.
            "across": width * factor / canvas.width,
            "down": height * factor / canvas.height,
            "factor": factor,
            "um": canvas.step_x * factor * self.info.geometry.mpp,
            "maps": [[of.get((p, e), -1) for e in explainers] for p in range(len(self.job.models))],
            "probability": [of.get((p, -1), -1) for p in range(len(self.job.models))],
            "blobs": list(blobs.texts),
        }

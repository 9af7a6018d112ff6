"""All maps of one slide: drawn as on the heatmaps, then downsampled until they fit."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tasks.artifacts.tile_set import TileSet
from tasks.reporting.arrays import Floats, RawMap
from tasks.reporting.maps.drawn_maps import DrawnMaps
from tasks.reporting.maps.mean_downsample import mean_downsample
from tasks.reporting.maps.stitch import stitch
from tasks.reporting.maps.thread_map import thread_map
from tasks.reporting.maps.thumbnail_map import DrawingSurface, drawing_surface, mapped_tiles, thumbnail_map
from tasks.reporting.review.budget import MAP_FACTORS, first_side
from tasks.reporting.review.codes import map_codes, packed, probability_codes
from tasks.reporting.review.job import ReviewJob
from tasks.slides.info import SlideInfo

LayerKey = tuple[int, int]
"""Index of a model and of an explainer; explainer -1 stands for the probability."""


@dataclass
class Blobs:
    """Packed arrays; equal ones are stored once."""

    texts: dict[str, int] = field(default_factory=dict)

    def add(self, text: str) -> int:
        """Store ``text`` and return its number."""
        return self.texts.setdefault(text, len(self.texts))

    @property
    def size(self) -> int:
        """Bytes in the page."""
        return sum(len(text) + 3 for text in self.texts)


@dataclass(frozen=True)
class SlideLayers:
    """Draws and packs the maps of one slide.

    Attributes:
        job: the page.
        tiles: the slide.
        info: its description.
        limits: ends of the colour scales, one per explainer.
        probabilities: {index of a model: [N] of the target class}, NaN for tiles that were not evaluated.
    """

    job: ReviewJob
    tiles: TileSet
    info: SlideInfo
    limits: tuple[float, ...]
    probabilities: dict[int, Floats]

    def packed(self, max_bytes: int, advance: Callable[[int], None]) -> dict[str, Any]:
        """Return the packed maps, downsampled by the first factor with which they fit into ``max_bytes``.

        ``advance`` is called with 1 after every drawn map.
        """
        surface = drawing_surface(self.info.geometry, self.job.recipe.smoothing_um)
        first = self._first_factor(surface, max_bytes)
        drawn = self._drawn(surface, first, advance)
        data: dict[str, Any] = {}
        for factor in MAP_FACTORS:
            blobs = Blobs()
            of = {
                layer: blobs.add(self._text(layer, mean_downsample(own, factor)))
                for layer, own in drawn.items()
            }
            data = self._result(surface, first * factor, of, blobs)
            if blobs.size <= max_bytes:
                break
        return data

    def _first_factor(self, surface: DrawingSurface, max_bytes: int) -> int:
        shape = (surface.canvas.height, surface.canvas.width)
        geometry = self.info.geometry
        area = float((self.tiles.table["extent_level0"] ** 2).sum())
        covered = min(1.0, area / (geometry.width_level0 * geometry.height_level0))
        maps = len(self.job.models) * (len(self.job.explainers) + 1)
        return max(1, int(max(shape) / first_side(max_bytes, maps, shape, covered)))

    def _drawn(
        self, surface: DrawingSurface, factor: int, advance: Callable[[int], None]
    ) -> dict[LayerKey, RawMap]:
        columns = (*range(len(self.job.explainers)), -1)
        wanted = [(m, e) for m in range(len(self.job.models)) for e in columns if self._holds(m, e)]
        layers: dict[LayerKey, RawMap] = {}
        drawn = thread_map(lambda layer: mean_downsample(self._layer(surface, *layer), factor), wanted)
        for layer, own in zip(wanted, drawn, strict=True):
            layers[layer] = own
            if layer[1] >= 0:
                advance(1)
        return layers

    def _holds(self, m: int, e: int) -> bool:
        if e < 0:
            return m in self.probabilities
        maps = self._maps(m, e)
        return maps is not None and len(maps.index) > 0

    def _maps(self, m: int, e: int) -> DrawnMaps | None:
        return self.job.maps.get((self.job.models[m], self.job.explainers[e].id, self.info.slide_id))

    def _layer(self, surface: DrawingSurface, m: int, e: int) -> RawMap:
        """Return the map of model ``m`` and explainer ``e``, which exists, on the whole thumbnail."""
        maps = None if e < 0 else self._maps(m, e)
        if maps is None:
            evaluated = np.isfinite(self.probabilities[m])
            flat = self.probabilities[m][evaluated][:, None, None]
            return stitch(surface.canvas, self.tiles.table[evaluated], flat)
        rows = mapped_tiles(self.tiles, maps, f"{self.job.models[m].words}, {self.job.explainers[e].id}")
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
            # The last pixel may reach beyond the edge of the slide.
            "across": width * factor / canvas.width,
            "down": height * factor / canvas.height,
            "factor": factor,
            "um": canvas.step_x * factor * self.info.geometry.mpp,
            "maps": [[of.get((m, e), -1) for e in explainers] for m in range(len(self.job.models))],
            "probability": [of.get((m, -1), -1) for m in range(len(self.job.models))],
            "blobs": list(blobs.texts),
        }

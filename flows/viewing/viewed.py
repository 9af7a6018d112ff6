"""One study as the viewer shows it: its stored review page, and its slides and maps where they are finer."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from flows.viewing.kept_lately import KeptLately
from tasks.artifacts.attributions import Attributions
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.artifacts.pages import ReviewPage
from tasks.artifacts.record import ArtifactRecord
from tasks.artifacts.spec import Reference
from tasks.artifacts.tile_set import TileSet
from tasks.reporting.maps.drawn_maps import DrawnMaps
from tasks.reporting.review.codes import Codes, packed
from tasks.reporting.review.details import tile_codes
from tasks.reporting.review.pictures import tile_picture
from tasks.reporting.review.stored import StoredPage
from tasks.scale import drawn_maps
from tasks.slides.deep_zoom import DeepZoom, read_square
from tasks.slides.info import read_info
from tasks.slides.level_region import Rgb
from tasks.slides.open_slides import OpenFiles
from tasks.slides.opening import Opening, read_reading
from tasks.slides.reader import SlideReader
from tasks.study.errors import UsageError
from tasks.study.study import Study
from tasks.tiling.on_demand import SlidePixels

MOST_MAPS = 64
"""Sets of maps whose tables stay in memory."""
MOST_SLIDES = 4
"""Slides that stay open, and tile tables that stay in memory."""
FINE_PX, DETAIL_PX = 64, 128
"""Most pixels on a side of a map that is laid over the slide, and of one beside the others of its tile."""


@dataclass(frozen=True)
class ViewedSlide:
    """A slide of the page: its tiles, and how its pixels are read; None for one that has features alone."""

    tiles: TileSet
    zoom: DeepZoom
    first: int
    mpp: float
    opening: Opening | None

    def deep(self, first: int, last: int) -> dict[str, Any]:
        """Return what the page is told of the squares of the levels ``first`` to ``last``."""
        return {
            "width": self.zoom.width,
            "height": self.zoom.height,
            "tile": self.zoom.tile,
            "first": first,
            "last": last,
            "um": self.mpp * self.zoom.downsample(last),
        }


class ViewedStudy:
    """Slides, tiles and maps of a study by the numbers that its page gives them. Threads may share it.

    Raises:
        UsageError: no page of the study is stored.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self._record = _newest_page(study)
        self.page = StoredPage(ReviewPage(study.store.path(self._record.reference)).page)
        self._slides: KeptLately[ViewedSlide] = KeptLately(MOST_SLIDES)
        self._open: OpenFiles[SlideReader] = OpenFiles(MOST_SLIDES)
        self._maps: KeptLately[DrawnMaps | None] = KeptLately(MOST_MAPS)

    @property
    def is_current(self) -> bool:
        """Whether the page is still the newest of its study."""
        return _newest_page(self.study).reference == self._record.reference

    @cached_property
    def told(self) -> dict[str, Any]:
        """What the page says of the study."""
        return self.page.study

    def slide_json(self, number: int) -> dict[str, Any]:
        """Return the part of a slide, with where its finer pixels are.

        Raises:
            KeyError: there is no such slide.
        """
        part, own = self.page.slide(number), self.slide(number)
        if own.opening is not None:
            part["deep"] = own.deep(own.first, own.zoom.last)
        return part

    def slide(self, number: int) -> ViewedSlide:
        """Return a slide of the page; those used last stay in memory.

        Raises:
            KeyError: there is no such slide.
        """
        return self._slides.of(number, lambda: self._opened(number))

    def square(self, number: int, level: int, x: int, y: int) -> Rgb:
        """Return a square of a slide, uint8 [height, width, 3].

        Raises:
            KeyError: there is no such slide or square.
            SlideError: it cannot be read.
        """
        own = self.slide(number)
        if own.opening is None or level < own.first or not own.zoom.holds(level, x, y):
            raise KeyError(number)
        with self._open.lend(own.opening) as reader:
            return read_square(reader, own.zoom, level, x, y)

    def maps(self, number: int, pair: tuple[int, int], rows: Sequence[int]) -> tuple[int, dict[int, str]]:
        """Return the side in pixels, and the packed codes of the maps of some tiles by their rows.

        Raises:
            KeyError: there is no such slide, model, explainer, row or map.
        """
        own, drawn = self.slide(number), self._drawn(number, pair)
        if drawn is None or not rows or not all(0 <= row < len(own.tiles.table) for row in rows):
            raise KeyError(pair)
        side = min(FINE_PX, drawn.maps(slice(0, 1)).shape[-1])
        codes = tile_codes(own.tiles, rows, drawn, side, self._limit(pair[1]))
        return side, {row: packed(each) for row, each in zip(rows, codes, strict=True)}

    def detail(self, number: int, row: int) -> dict[str, Any]:
        """Return one tile as the page stores it: its picture, and all its maps.

        Raises:
            KeyError: there is no such slide or row.
            SlideError: its pixels cannot be read.
        """
        own = self.slide(number)
        if not 0 <= row < len(own.tiles.table):
            raise KeyError(row)
        models, explainers = len(self.told["models"]), len(self.told["explainers"])
        pairs = [(m, e) for m in range(models) for e in range(explainers)]
        drawn = {pair: found for pair in pairs if (found := self._drawn(number, pair)) is not None}
        sides = [each.maps(slice(0, 1)).shape[-1] for each in drawn.values()]
        side = min(DETAIL_PX, max(sides, default=1))
        codes = [tile_codes(own.tiles, [row], maps, side, self._limit(p[1])) for p, maps in drawn.items()]
        return {
            "side": side,
            "pairs": list(drawn),
            "picture": tile_picture(own.tiles.pixels[row]),
            "codes": packed(_joined(codes)),
        }

    def _opened(self, number: int) -> ViewedSlide:
        name = self._name(number)
        folder = self.study.store.path(self._reference(f"tiles/{name}"))
        tiles = TileSet.open(folder, SlidePixels(self.study.data_root, self.study.row))
        geometry, row = read_info(folder).geometry, self.study.row[name]
        zoom = DeepZoom(geometry.width_level0, geometry.height_level0)
        # Another answer than that of the tiling would show another slide than the maps are of.
        opening = Opening.again(row, self.study.data_root, read_reading(folder)) if row.has_pixels else None
        return ViewedSlide(tiles, zoom, zoom.first(geometry), geometry.mpp, opening)

    def _drawn(self, number: int, pair: tuple[int, int]) -> DrawnMaps | None:
        """Return the maps of a slide by a model and an explainer; None where there are none."""
        name, explainer = self._name(number), self.told["explainers"][pair[1]]["id"]
        told = self.told["models"][pair[0]]
        model = ModelKey(told["arm"], told["seed"], told["fold"])
        return self._maps.of((name, model, explainer), lambda: self._stored(name, model, explainer))

    def _stored(self, name: str, model: ModelKey, explainer: str) -> DrawnMaps | None:
        of_slide = None if self.study.config.level == "slide" else name
        for owner in (model, None):  # the maps of a blind control are of no model
            found = self._record.spec.inputs.get(
                f"maps/{ArtifactKey('explain', owner, explainer, of_slide).label}"
            )
            if isinstance(found, Reference):
                drawn = drawn_maps(Attributions.open(self.study.store.path(found)), name)
                return drawn if drawn is not None and len(drawn.index) else None
        return None

    def _limit(self, explainer: int) -> float:
        return float(self.told["explainers"][explainer]["tile_limit"])

    def _name(self, number: int) -> str:
        slides = self.told["slides"]
        if not 0 <= number < len(slides):
            raise KeyError(number)
        return str(slides[number])

    def _reference(self, name: str) -> Reference:
        found = self._record.spec.inputs.get(name)
        if not isinstance(found, Reference):
            raise KeyError(name)
        return found


def _newest_page(study: Study) -> ArtifactRecord:
    store = study.store
    own = [each for each in store.records("ReviewPage") if each.spec.recipe.get("study") == study.name]
    if not own:
        raise UsageError(
            f"no review page of study {study.name!r} is stored yet; it is made by veritile run, near its end"
        )
    return max(own, key=store.used)


def _joined(codes: Sequence[Codes]) -> Codes:
    return np.concatenate(codes) if codes else np.zeros(0, np.uint8)

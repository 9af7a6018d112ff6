"""Outlines on the page: annotation, evidence for the class, and artefacts."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from skimage.measure import approximate_polygon, find_contours

from tasks.artifacts.tile_array import TileArray
from tasks.artifacts.tile_set import TileSet
from tasks.functional.pixels import spans
from tasks.reporting.arrays import Floats
from tasks.reporting.maps.canvas import MapCanvas
from tasks.reporting.maps.stitch import Mosaic, add_tiles
from tasks.reporting.maps.tile_pixels import has_pixels
from tasks.reporting.review.budget import as_json

_BLOCK = 512
_TENTHS = 10
_FIRST_TOLERANCE, _LAST_TOLERANCE = 0.25, 8.0


def slide_outlines(canvas: MapCanvas, tiles: TileSet, max_bytes: int) -> dict[str, Any]:
    """Return closed lines by name, with ``tolerance`` and the ``width`` and ``height`` of ``canvas``.

    The names are ``annotation``, ``evidence`` and ``artefact``, those that the slide has. A line is
    [x0, y0, x1, y1, ...] in tenths of a canvas pixel, simplified to within ``tolerance`` canvas pixels. The
    tolerance is a quarter, and doubles up to 8 until all lines fit into ``max_bytes``.
    """
    # Not the decoys: the outlines of all other nuclei would use up the bytes.
    marks: dict[str, TileArray] = {mark: mask for mark, mask in tiles.marks.items() if mark != "decoy"}
    # A stand-in has neither pixels nor masks.
    annotation = {"annotation": tiles.annotation_mask} if has_pixels(tiles) else {}
    masks: dict[str, TileArray] = {**annotation, **marks}
    drawn = {name: _closed(canvas, tiles, mask) for name, mask in masks.items()}
    closed = {name: lines for name, lines in drawn.items() if lines is not None}
    tolerance = _FIRST_TOLERANCE
    simpler = _simpler(closed, tolerance)
    while len(as_json(simpler)) > max_bytes and tolerance < _LAST_TOLERANCE:
        tolerance *= 2
        simpler = _simpler(closed, tolerance)
    return {**simpler, "tolerance": tolerance, "width": canvas.width, "height": canvas.height}


def _closed(canvas: MapCanvas, tiles: TileSet, mask: TileArray) -> list[Floats] | None:
    """Return lines [n, 2] of (x, y) canvas pixels; None where nothing is marked.

    At the edge of the tiles lines follow the edge. The masks of a slide are read block by block.
    """
    mosaic, marked = Mosaic(canvas), False
    for span in spans(len(tiles.table), _BLOCK):
        inside = np.asarray(mask[span]) > 0
        marked = marked or bool(inside.any())
        add_tiles(mosaic, tiles.table.iloc[span], inside)
    if not marked:
        return None
    # A frame of zeros closes lines at the border. The shift turns pixel centres into positions.
    covered = np.pad(np.nan_to_num(mosaic.mean()), 1)
    return [line[:, ::-1] - 0.5 for line in find_contours(covered, 0.5)]


def _simpler(closed: dict[str, list[Floats]], tolerance: float) -> dict[str, list[list[int]]]:
    return {name: list(_lines(lines, tolerance)) for name, lines in closed.items()}


def _lines(lines: Iterable[Floats], tolerance: float) -> Iterable[list[int]]:
    for line in lines:
        points = approximate_polygon(line, tolerance)
        if len(points) > 2:
            yield [int(value) for value in np.rint(points * _TENTHS).reshape(-1)]

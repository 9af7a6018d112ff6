"""How much of a polygon lies on tissue, by exact area, in time that grows with its outline alone."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from tasks.tiling.areas import Geometries
from tasks.tiling.grid import Floats
from tasks.tiling.tissue import Tissue


@dataclass(frozen=True)
class TissueArea:
    """The tissue of a slide, asked how much of a polygon or which points lie on it.

    The area comes from Green's theorem. Each edge is cut at the lines between mask pixels. Such a piece adds
    its height times the tissue to its right in its row of pixels, with the sign of its direction; all pieces
    together give the area inside. No picture of the polygon is drawn, so a large outline costs no memory.
    """

    tissue: Tissue

    def of(self, polygons: Geometries) -> float:
        """Return the tissue inside polygons that do not overlap, in level-0 pixels squared."""
        scale = (self.tissue.downsample_x, self.tissue.downsample_y)
        scaled = shapely.transform(polygons, lambda corners: corners / scale)
        total = sum(self._polygon(polygon) for polygon in shapely.get_parts(scaled))
        return float(total * scale[0] * scale[1])

    def holds(self, x: Floats, y: Floats) -> NDArray[np.bool_]:
        """Return which of the points at (x, y) in level-0 pixels lie on tissue, bool [N]."""
        height, width = self.tissue.mask.shape
        columns = np.floor(x / self.tissue.downsample_x).astype(np.intp)
        rows = np.floor(y / self.tissue.downsample_y).astype(np.intp)
        inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        found = np.zeros(len(x), dtype=bool)
        found[inside] = self.tissue.mask[rows[inside], columns[inside]]
        return found

    def _polygon(self, polygon: shapely.Polygon) -> float:
        """Return the tissue inside one polygon and outside its holes, in mask pixels."""
        outer, *holes = (
            abs(self._ring(shapely.get_coordinates(ring))) for ring in shapely.get_rings(polygon)
        )
        return outer - sum(holes)

    def _ring(self, corners: Floats) -> float:
        """Return the signed tissue to the right of a closed ring, in mask pixels."""
        height, width = self.tissue.mask.shape
        # What lies beyond the mask has no tissue. Moving it onto the rim keeps the crossings inside.
        clipped = np.clip(_with_crossings(corners, width, height), 0.0, (width, height))
        start, end = clipped[:-1], clipped[1:]
        rise = end[:, 1] - start[:, 1]
        middle = (start + end) / 2
        column = np.minimum(np.floor(middle[:, 0]).astype(np.intp), width)
        row = np.minimum(np.floor(middle[:, 1]).astype(np.intp), height - 1)
        own = self._padded[row, column] * (column + 1 - middle[:, 0])
        return float((rise * (own + self._to_the_right[row, np.minimum(column + 1, width)])).sum())

    @cached_property
    def _padded(self) -> NDArray[np.bool_]:
        """The mask with an empty column at the right, bool [h, w + 1]."""
        return np.pad(self.tissue.mask, ((0, 0), (0, 1)))

    @cached_property
    def _to_the_right(self) -> NDArray[np.int32]:
        """Tissue pixels in each column and to its right, int32 [h, w + 1]."""
        counted: NDArray[np.int32] = np.cumsum(self._padded[:, ::-1], axis=1, dtype=np.int32)[:, ::-1]
        return counted


def _with_crossings(corners: Floats, width: int, height: int) -> Floats:
    """Return the corners of a ring with one more wherever it crosses a line between mask pixels, [N, 2]."""
    edges = np.arange(len(corners) - 1)
    pieces = [np.stack([edges, np.zeros(len(edges))], axis=1)]
    for axis, size in ((0, width), (1, height)):
        pieces.append(_crossings(corners[:-1, axis], corners[1:, axis], size))
    found = np.concatenate(pieces)
    found = found[np.lexsort((found[:, 1], found[:, 0]))]
    edge, along = found[:, 0].astype(np.intp), found[:, 1][:, None]
    placed = corners[edge] + along * (corners[edge + 1] - corners[edge])
    return np.concatenate([placed, corners[-1:]])


def _crossings(start: Floats, end: Floats, size: int) -> Floats:
    """Return (edge, how far along it from 0 to 1) of all crossings of the lines 0 to ``size``, [M, 2]."""
    low, high = np.minimum(start, end), np.maximum(start, end)
    first = np.clip(np.floor(low).astype(np.intp) + 1, 0, size + 1)
    last = np.clip(np.ceil(high).astype(np.intp) - 1, -1, size)
    counts = np.maximum(0, last - first + 1)
    edge = np.repeat(np.arange(len(start)), counts)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts)
    line = first[edge] + step
    return np.stack([edge.astype(float), (line - start[edge]) / (end[edge] - start[edge])], axis=1)

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

    @property
    def whole(self) -> float:
        """All tissue, in level-0 pixels squared."""
        return float(self.tissue.mask.sum() * self.tissue.downsample_x * self.tissue.downsample_y)

    def of(self, polygons: Geometries) -> float:
        """Return the tissue inside polygons that do not overlap, in level-0 pixels squared."""
        scale = (self.tissue.downsample_x, self.tissue.downsample_y)
        scaled = shapely.transform(shapely.get_parts(polygons), lambda corners: corners / scale)
        rings, polygon = shapely.get_rings(scaled, return_index=True)
        if not len(rings):
            return 0.0
        outer = np.diff(polygon, prepend=-1) != 0  # the first ring of each polygon; holes follow
        areas = np.abs(self._rings(*shapely.get_coordinates(rings, return_index=True)))
        return float(np.where(outer, areas, -areas).sum() * scale[0] * scale[1])

    def holds(self, x: Floats, y: Floats) -> NDArray[np.bool_]:
        """Return which of the points at (x, y) in level-0 pixels lie on tissue, bool [N]."""
        height, width = self.tissue.mask.shape
        columns, rows = np.floor(x / self.tissue.downsample_x), np.floor(y / self.tissue.downsample_y)
        inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        found = np.zeros(len(x), dtype=bool)
        found[inside] = self.tissue.mask[rows[inside].astype(np.intp), columns[inside].astype(np.intp)]
        return found

    def _rings(self, corners: Floats, ring: NDArray[np.int64]) -> Floats:
        """Return the signed tissue to the right of each closed ring, in mask pixels."""
        height, width = self.tissue.mask.shape
        start, end, ring = _pieces(corners, ring, width, height)
        # What lies beyond the mask has no tissue. Moved onto the rim it adds none, as it has no height there
        # or nothing to its right.
        start, end = (np.clip(corner, 0.0, (width, height)) for corner in (start, end))
        middle = (start + end) / 2
        column = np.minimum(np.floor(middle[:, 0]).astype(np.intp), width)
        row = np.minimum(np.floor(middle[:, 1]).astype(np.intp), height - 1)
        own = self._padded[row, column] * (column + 1 - middle[:, 0])
        right = own + self._to_the_right[row, np.minimum(column + 1, width)]
        sums: Floats = np.bincount(ring, weights=(end[:, 1] - start[:, 1]) * right).astype(np.float64)
        return sums

    @cached_property
    def _padded(self) -> NDArray[np.bool_]:
        """The mask with an empty column at the right, bool [h, w + 1]."""
        return np.pad(self.tissue.mask, ((0, 0), (0, 1)))

    @cached_property
    def _to_the_right(self) -> NDArray[np.int32]:
        """Tissue pixels in each column and to its right, int32 [h, w + 1]."""
        counted: NDArray[np.int32] = np.cumsum(self._padded[:, ::-1], axis=1, dtype=np.int32)[:, ::-1]
        return counted


def _pieces(
    corners: Floats, ring: NDArray[np.int64], width: int, height: int
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Return the edges of rings, cut at the lines between mask pixels: start [M, 2], end [M, 2], ring [M]."""
    edges = np.flatnonzero(ring[:-1] == ring[1:])
    first, step = corners[edges], corners[edges + 1] - corners[edges]
    crossed = np.concatenate(
        [_crossings(first[:, axis], step[:, axis], size) for axis, size in ((0, width), (1, height))]
    )
    is_cut = np.zeros(len(edges), dtype=bool)
    is_cut[crossed[:, 0].astype(np.intp)] = True
    whole, cut = np.flatnonzero(~is_cut), np.flatnonzero(is_cut)
    ends = [np.stack([cut, np.full(len(cut), along)], axis=1) for along in (0.0, 1.0)]
    found = np.concatenate([*ends, crossed])
    found = found[np.lexsort((found[:, 1], found[:, 0]))]
    edge, along = found[:, 0].astype(np.intp), found[:, 1:]
    placed = first[edge] + along * step[edge]
    same = edge[:-1] == edge[1:]
    return (
        np.concatenate([first[whole], placed[:-1][same]]),
        np.concatenate([first[whole] + step[whole], placed[1:][same]]),
        ring[edges][np.concatenate([whole, edge[:-1][same]])],
    )


def _crossings(start: Floats, step: Floats, size: int) -> Floats:
    """Return (edge, how far along it from 0 to 1) of all crossings of the lines 0 to ``size``, [M, 2]."""
    low, high = np.minimum(start, start + step), np.maximum(start, start + step)
    first = np.clip(np.floor(low).astype(np.intp) + 1, 0, size + 1)
    last = np.clip(np.ceil(high).astype(np.intp) - 1, -1, size)
    counts = np.maximum(0, last - first + 1)
    edge = np.repeat(np.arange(len(start)), counts)
    line = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.stack([edge.astype(float), (line - start[edge]) / step[edge]], axis=1)

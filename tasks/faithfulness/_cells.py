"""The tiles of a section stitched together and averaged over square cells."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.evidence.slide import MaskName, SlideEvidence
from tasks.evidence.sources import Rows
from tasks.functional.pixels import spans

_SPAN = 64
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SectionCells:
    """The cells that hold tissue, M of them, row by row: each float64 [M].

    ``value`` is the mean of the values over the cell's tissue pixels, ``tissue_fraction`` the share of tissue
    among the pixels placed in the cell, ``mask_fraction`` the share of the mask among its tissue pixels.
    """

    value: Floats
    tissue_fraction: Floats
    mask_fraction: Floats


def section_cells(
    values: Callable[[Rows], NDArray[np.float32]],
    slide: SlideEvidence,
    rows: Rows,
    mask: MaskName,
    cell_um: float,
) -> SectionCells:
    """Stitch the tiles of ``rows`` into cells of ``cell_um``; a pixel counts in the cell of its centre.

    ``values(rows)`` returns the values to average, [n, H, W], for some rows at a time, so a slide is never in
    memory as a whole.
    """
    columns, lines = _places(slide, rows, cell_um)
    wide, high = int(columns.max()) + 1, int(lines.max()) + 1
    value, placed, tissue, masked = np.zeros((4, high * wide))
    for span in spans(len(rows), _SPAN):
        here = rows[span]
        cell = (lines[span, :, None] * wide + columns[span, None, :]).ravel()
        inside = slide.tissue(here).ravel()
        np.add.at(placed, cell, 1.0)
        np.add.at(tissue, cell, inside.astype(np.float64))
        np.add.at(masked, cell, (slide.mask(mask, here).ravel() & inside).astype(np.float64))
        np.add.at(value, cell, np.where(inside, values(here).ravel(), 0.0))
    some = tissue > 0
    return SectionCells(value[some] / tissue[some], tissue[some] / placed[some], masked[some] / tissue[some])


def _places(slide: SlideEvidence, rows: Rows, cell_um: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the cell column of each pixel column and the cell line of each pixel line, both [n, tile_px]."""
    table = slide.tiles.table.iloc[rows]
    tile_px = slide.tiles.pixels.shape[1]
    extent = table["extent_level0"].to_numpy(dtype=np.float64)[:, None]
    um_per_level0 = table["mpp"].to_numpy(dtype=np.float64)[:, None] * tile_px / extent
    centres = (np.arange(tile_px) + 0.5) / tile_px * extent
    axes = []
    for column in ("x_level0", "y_level0"):
        origin = table[column].to_numpy(dtype=np.float64)[:, None]
        cells = np.floor((origin - origin.min() + centres) * um_per_level0 / cell_um)
        axes.append(cells.astype(np.intp))
    return axes[0], axes[1]

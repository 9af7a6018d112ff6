"""The tiles of a section stitched together and averaged over square cells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.evidence.slide import Against, MaskName, SlideEvidence
from tasks.evidence.sources import Rows
from tasks.functional.pixels import spans

_SPAN = 64
Floats = NDArray[np.float64]


Values = Callable[[Rows], NDArray[np.float32]]
"""Returns the values of some tiles, [n, H, W]."""


@dataclass(frozen=True)
class SectionCells:
    """The cells that hold something to compare, M of them, row by row: each float64 [M].

    ``values`` are the means of each of the given values over what is compared, ``tissue_fraction`` the share
    of tissue among the pixels placed in the cell, ``mask_fraction`` the share of the mask among what is
    compared: the cell's tissue, or with decoys the mask and the decoys alone.
    """

    values: tuple[Floats, ...]
    tissue_fraction: Floats
    mask_fraction: Floats


@dataclass(frozen=True)
class CellMask:
    """A mask, what it is compared with, and the side of a cell in micrometres."""

    mask: MaskName
    against: Against
    cell_um: float

    def compared(self, slide: SlideEvidence, rows: Rows) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return bool [n, H, W] each: the mask on tissue, and all that is compared."""
        tissue = slide.tissue(rows)
        mask = slide.mask(self.mask, rows) & tissue
        return mask, tissue if self.against == "rest" else mask | (slide.mask(self.against, rows) & tissue)


def section_cells(
    values: Sequence[Values], slide: SlideEvidence, rows: Rows, wanted: CellMask
) -> SectionCells:
    """Stitch the tiles of ``rows`` into cells; a pixel counts in the cell of its centre.

    The values are asked for a few rows at a time, so a slide is never in memory as a whole.
    """
    columns, lines = _places(slide, rows, wanted.cell_um)
    wide, high = int(columns.max()) + 1, int(lines.max()) + 1
    placed, tissue, compared, masked, *sums = np.zeros((4 + len(values), high * wide))
    for span in spans(len(rows), _SPAN):
        here = rows[span]
        cell = (lines[span, :, None] * wide + columns[span, None, :]).ravel()
        mask, inside = wanted.compared(slide, here)
        np.add.at(placed, cell, 1.0)
        np.add.at(tissue, cell, slide.tissue(here).ravel().astype(np.float64))
        np.add.at(compared, cell, inside.ravel().astype(np.float64))
        np.add.at(masked, cell, mask.ravel().astype(np.float64))
        for total, asked in zip(sums, values, strict=True):
            np.add.at(total, cell, np.where(inside, asked(here), 0.0).ravel())
    some = compared > 0
    means = tuple(total[some] / compared[some] for total in sums)
    return SectionCells(means, tissue[some] / placed[some], masked[some] / compared[some])


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

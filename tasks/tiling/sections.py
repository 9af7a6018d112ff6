"""Sections: the separate pieces of tissue on a slide, numbered in reading order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tasks.tiling.grid import TilePositions
from tasks.tiling.tissue import Tissue

Labels = NDArray[np.int32]


@dataclass(frozen=True)
class Box:
    """The pixels that a section spans: first row and column, and one past the last."""

    label: int
    top: int
    left: int
    bottom: int
    right: int


def find_sections(tissue: Tissue, gap_um: float) -> Labels:
    """Return the section of each pixel of the tissue mask, int32 [h, w], 0 where there is no tissue.

    Pieces less than ``gap_um`` apart are one section. Numbers run from 1: the section that reaches highest
    opens a row, to which all belong whose middle lies above its lower edge; a row is counted from the left,
    then the highest of the rest opens the next.
    """
    pixel_um = np.sqrt(tissue.pixel_um2)
    near = ndimage.distance_transform_edt(~tissue.mask) * pixel_um <= gap_um / 2
    pieces, _ = ndimage.label(near | tissue.mask, ndimage.generate_binary_structure(2, 2))
    pieces = np.where(tissue.mask, pieces, 0)
    numbers = np.zeros(pieces.max() + 1, dtype=np.int32)
    for number, label in enumerate(_reading_order(_boxes(pieces)), start=1):
        numbers[label] = number
    numbered: Labels = numbers[pieces]
    return numbered


def section_of_tiles(sections: Labels, tissue: Tissue, positions: TilePositions) -> NDArray[np.int64]:
    """Return the section that fills most of each tile's tissue, int64 [N]; the lower number where two tie.

    0 stands for a tile without tissue.
    """
    left = np.floor(positions.x / tissue.downsample_x).astype(int)
    top = np.floor(positions.y / tissue.downsample_y).astype(int)
    right = np.ceil((positions.x + positions.extent) / tissue.downsample_x).astype(int)
    bottom = np.ceil((positions.y + positions.extent) / tissue.downsample_y).astype(int)
    found = np.zeros(len(positions), dtype=np.int64)
    for i in range(len(positions)):
        counts = np.bincount(sections[top[i] : bottom[i], left[i] : right[i]].ravel(), minlength=2)
        found[i] = counts[1:].argmax() + 1 if counts[1:].any() else 0
    return found


def _boxes(pieces: NDArray[np.int32]) -> list[Box]:
    spans = ndimage.find_objects(pieces)
    return [
        Box(label, rows.start, columns.start, rows.stop, columns.stop)
        for label, (rows, columns) in ((i, span) for i, span in enumerate(spans, start=1) if span)
    ]


def _reading_order(boxes: list[Box]) -> list[int]:
    waiting = sorted(boxes, key=lambda box: (box.top, box.left))
    ordered: list[int] = []
    while waiting:
        lower_edge = waiting[0].bottom
        row = [box for box in waiting if (box.top + box.bottom) / 2 < lower_edge]
        ordered += [box.label for box in sorted(row, key=lambda box: (box.left, box.top))]
        waiting = [box for box in waiting if box not in row]
    return ordered

"""Sections: the separate pieces of tissue on a slide, numbered in reading order."""

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tasks.tiling._bands import bands
from tasks.tiling.grid import TilePositions
from tasks.tiling.tissue import Tissue

Labels = NDArray[np.int32]

_FEW = 256


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
    near = _near(tissue.mask, float(np.sqrt(tissue.pixel_um2)), gap_um / 2)
    pieces, _ = ndimage.label(near, ndimage.generate_binary_structure(2, 2))
    pieces[~tissue.mask] = 0
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
        found[i] = _most_frequent(sections[top[i] : bottom[i], left[i] : right[i]])
    return found


def _most_frequent(window: Labels) -> int:
    """Return the section that fills most of ``window``, the lower number where two tie; 0 without tissue.

    Where numbers are high, only those that occur are counted, so that a tile costs the same on a slide of
    many sections.
    """
    highest = int(window.max(initial=0))
    if highest == 0:
        return 0
    if highest <= _FEW:
        counts = np.bincount(window.ravel())
        counts[0] = 0
        return int(counts.argmax())
    numbers, counts = np.unique(window[window > 0], return_counts=True)
    return int(numbers[counts.argmax()])


def _near(mask: NDArray[np.bool_], pixel_um: float, reach_um: float) -> NDArray[np.bool_]:
    """Return what lies on tissue or within ``reach_um`` of it, bool [h, w].

    Distances are computed band by band, each with the rows that its own rows can be near to.
    """
    near = mask.copy()
    halo = int(reach_um / pixel_um) + 1
    for band in bands(len(mask), halo=halo):
        part = mask[band.with_halo]
        if part.any():
            distance = ndimage.distance_transform_edt(~part)[band.inner]
            near[band.rows] |= distance * pixel_um <= reach_um
    return near


def _boxes(pieces: NDArray[np.int32]) -> list[Box]:
    spans = ndimage.find_objects(pieces)
    return [
        Box(label, rows.start, columns.start, rows.stop, columns.stop)
        for label, (rows, columns) in ((i, span) for i, span in enumerate(spans, start=1) if span)
    ]


def _reading_order(boxes: list[Box]) -> list[int]:
    """Return the labels of ``boxes`` in reading order, in n log n steps.

    Two queues hold the boxes, one by upper edge and one by twice their middle. A row takes from the second
    all whose middle lies above the lower edge of the first box of the first queue.
    """
    by_top = sorted(range(len(boxes)), key=lambda i: (boxes[i].top, boxes[i].left))
    by_middle = [(boxes[i].top + boxes[i].bottom, i) for i in range(len(boxes))]
    heapq.heapify(by_middle)
    placed = [False] * len(boxes)
    ordered: list[int] = []
    for first in by_top:
        if placed[first]:
            continue
        row: list[int] = []
        while by_middle and by_middle[0][0] < 2 * boxes[first].bottom:
            row.append(heapq.heappop(by_middle)[1])
        for i in row:
            placed[i] = True
        # Boxes that start in the same corner keep the order in which they were sorted by their upper edge.
        row.sort(key=lambda i: (boxes[i].left, boxes[i].top, boxes[i].label))
        ordered += [boxes[i].label for i in row]
    return ordered

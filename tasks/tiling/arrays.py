"""Tiles on disk: one memory-mapped array of pixels and one for each mask, never held in memory whole."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from tasks.artifacts.tile_set import ANNOTATION_MASK, MARKS, PIXELS, TISSUE_MASK
from tasks.slides.errors import SlideError
from tasks.slides.reader import SlideReader
from tasks.tiling.grid import TilePositions, reading_order
from tasks.tiling.layout import Layout
from tasks.tiling.masks import Mask, annotation_masks, sample_mask
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.truth import Truth

_WHITE = 255


def write_pixels(
    slide: SlideReader,
    positions: TilePositions,
    recipe: TilingRecipe,
    out: Path,
    advance: Callable[[int], None],
) -> list[str]:
    """Read every tile into ``pixels.npy``, uint8 [N, tile_px, tile_px, 3], in the order of ``positions``.

    A tile that cannot be read is white. Where more fail than ``recipe.max_failed_tiles`` allows, reading
    stops, since the slide fails anyway and each failure reopens the file.

    Returns:
        The reason of each unreadable tile, or "".
    """
    shape = (len(positions), recipe.tile_px, recipe.tile_px, 3)
    pixels = np.lib.format.open_memmap(out / PIXELS, mode="w+", dtype=np.uint8, shape=shape)
    reasons = [""] * len(positions)
    for i in reading_order(positions):
        try:
            pixels[i] = slide.read(
                float(positions.x[i]), float(positions.y[i]), positions.extent, recipe.tile_px
            )
        except SlideError as error:
            pixels[i] = _WHITE
            reasons[i] = str(error)
            if too_many_failed(reasons, recipe):
                break
        advance(1)
    pixels.flush()
    return reasons


def too_many_failed(reasons: Sequence[str], recipe: TilingRecipe) -> bool:
    """Return whether more tiles have a reason why they could not be read than the recipe allows."""
    return sum(map(bool, reasons)) > recipe.max_failed_tiles * len(reasons)


def write_masks(layout: Layout, truth: Truth, recipe: TilingRecipe, out: Path) -> None:
    """Write ``tissue_mask.npy``, ``annotation_mask.npy`` and a file for each mark that there is.

    Each is uint8 [N, tile_px, tile_px], in the order of the tiles.
    """
    positions, tile_px = layout.positions, recipe.tile_px
    tissue = layout.tissue
    downsample = (tissue.downsample_x, tissue.downsample_y)
    _write(
        out / TISSUE_MASK, sample_mask(tissue.mask, downsample, positions, tile_px), len(positions), tile_px
    )
    outlined = annotation_masks(truth.areas, truth.covered, truth.boxes, tile_px)
    _write(out / ANNOTATION_MASK, outlined, len(positions), tile_px)
    for mark, marked in truth.marked.items():
        found = sample_mask(marked.mask, marked.downsample, positions, tile_px)
        _write(out / MARKS[mark], found, len(positions), tile_px)


def _write(path: Path, masks: Iterable[Mask], count: int, tile_px: int) -> None:
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(count, tile_px, tile_px))
    for i, mask in enumerate(masks):
        array[i] = mask
    array.flush()

"""The tiles of a tile list: no grid and no search for tissue, and the labels that the list states."""

from pathlib import Path

import numpy as np
import shapely

from tasks.slides.errors import SlideError
from tasks.slides.geometry import SlideGeometry
from tasks.slides.row import SlideRow
from tasks.slides.slide_labels import refuse_strange_label
from tasks.slides.tile_lists.reader import TileListReader
from tasks.slides.tile_lists.tile_list import TileList
from tasks.tiling.annotated import LaidOutSlide
from tasks.tiling.areas import ClassArea
from tasks.tiling.grid import TilePositions
from tasks.tiling.labels import UNKNOWN
from tasks.tiling.layout import Layout, refuse_coarse
from tasks.tiling.names import indices_of
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.tile_truth import Truth
from tasks.tiling.tissue import Tissue, TissueNotes

_TOLERANCE = 0.02
_WHITE = (255, 255, 255)


def lay_out_list(slide: TileListReader, recipe: TilingRecipe, row: SlideRow) -> Layout:
    """Return the tiles of a list, in its order; all of them count as tissue, in one section.

    Raises:
        SlideError: the tiles are larger or smaller than those of the recipe by more than 2 %, or the row
            names coordinates too.
    """
    tiles, geometry = slide.tiles, slide.geometry
    refuse_coarse(geometry.mpp, recipe, row.slide_id)
    if row.coordinates is not None:
        raise SlideError(f"{row.slide_id}: a tile list says where tiles lie; leave coordinates empty")
    _refuse_other_side(tiles, geometry.mpp, recipe, row.slide_id)
    side = float(tiles.side)
    x, y = tiles.x.astype(np.float64), tiles.y.astype(np.float64)
    rows, columns = (np.floor(edges / side).astype(np.intp) for edges in (y, x))
    width, height = np.minimum(tiles.width, tiles.side), np.minimum(tiles.height, tiles.side)
    tissue = all_tissue(slide.geometry, recipe, "ready-made tiles are tissue, whatever they show")
    return Layout(
        tissue=tissue,
        sections=tissue.mask.astype(np.int32),
        positions=TilePositions(rows, columns, x, y, side),
        fractions=width * height / side**2,
        section=np.ones(len(tiles), np.int64),
        background=_WHITE,
        unfit=tuple(_unfit(tiles, i, recipe) for i in range(len(tiles))),
    )


def labels_of_list(
    slide: TileListReader, row: SlideRow, data_root: Path, layout: Layout, recipe: TilingRecipe
) -> Truth:
    """Return the labels that the list states; each holds for the whole tile. The slide's is no tile's.

    Raises:
        SlideError: a label that is no class, or tiles of another class on a slide of the first.
    """
    tiles, laid_out = slide.tiles, LaidOutSlide(row, data_root, slide.geometry, layout, recipe)
    refuse_strange_label(row, recipe.classes)
    stated = [i for i, label in enumerate(tiles.labels) if label]
    where = f"{row.slide_id}: {tiles.name}"
    indices = np.full(len(tiles), -1)
    meant = indices_of([(tiles.labels[i], False) for i in stated], recipe, where, "tiles")
    indices[stated] = [-1 if index is None else index for index in meant]
    _refuse_contradiction(row, indices, recipe)
    classes = range(1, len(recipe.classes))
    covered = np.stack([indices == index for index in classes], axis=1).astype(np.float64)
    covered[indices < 0] = np.nan
    areas = tuple(_area(index, laid_out.boxes[indices == index]) for index in classes)
    labels = [UNKNOWN if index < 0 else recipe.classes[index] for index in indices]
    return Truth(
        laid_out.boxes, areas, covered, labels, 0, laid_out.marked,
        labels_from="list" if stated else "nothing", notes=_notes(row, tiles, labels, recipe),
    )  # fmt: skip


def _refuse_other_side(tiles: TileList, mpp: float, recipe: TilingRecipe, where: str) -> None:
    side_um = tiles.side * mpp
    if abs(side_um / recipe.tile_um - 1) > _TOLERANCE:
        raise SlideError(
            f"{where}: the tile images of {tiles.name} have {tiles.side} px, {side_um:.1f} um at {mpp:g} "
            f"um/px, and tile_px {recipe.tile_px} at mpp {recipe.mpp:g} are {recipe.tile_um:g} um; "
            f"{_TOLERANCE:.0%} are allowed, and mpp {side_um / recipe.tile_px:.4g} is that of these images"
        )


def all_tissue(geometry: SlideGeometry, recipe: TilingRecipe, why: str) -> Tissue:
    """Return a slide that is tissue throughout, for the reason ``why``: nobody looked for tissue."""
    shrink = max(1.0, recipe.tissue_mpp / geometry.mpp)
    width, height = (max(1, round(side / shrink)) for side in (geometry.width_level0, geometry.height_level0))
    across, down = geometry.width_level0 / width, geometry.height_level0 / height
    notes = TissueNotes(rule="stated", why=why)
    return Tissue(
        mask=np.ones((height, width), np.bool_),
        downsample_x=across,
        downsample_y=down,
        pixel_um2=across * geometry.mpp * down * geometry.mpp_y,
        threshold=0.0,
        notes=notes,
    )


def _unfit(tiles: TileList, row: int, recipe: TilingRecipe) -> str:
    width, height, side = int(tiles.width[row]), int(tiles.height[row]), tiles.side
    if (width, height) == (side, side) or (recipe.odd_sized == "pad" and max(width, height) <= side):
        return ""
    return f"{tiles.images[row]} has {width} x {height} px, and tiles of this list have {side} x {side}"


def _area(index: int, boxes: np.ndarray) -> ClassArea:
    shapely.prepare(boxes)
    return ClassArea(index, boxes, shapely.STRtree(boxes))


def _refuse_contradiction(row: SlideRow, indices: np.ndarray, recipe: TilingRecipe) -> None:
    other = indices[indices > 0]
    if row.label == recipe.classes[0] and len(other):
        raise SlideError(
            f"{row.slide_id}: the manifest's label is {row.label!r}, and {len(other)} tiles of the list are "
            f"{recipe.classes[int(other[0])]!r}"
        )


def _notes(row: SlideRow, tiles: TileList, labels: list[str], recipe: TilingRecipe) -> tuple[str, ...]:
    notes = []
    if not any(labels):
        notes.append(f"{row.slide_id}: {tiles.name} states no label; its tiles have none")
    elif row.label is not None and row.label != recipe.classes[0] and row.label not in labels:
        notes.append(f"{row.slide_id}: the manifest's label is {row.label!r}, but no tile has it")
    return tuple(notes)

"""Where the tiles of one slide lie: tissue, sections and the chosen positions of the grid."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.tile_masks import Colour
from tasks.slides.errors import SlideError
from tasks.slides.overview import Overview
from tasks.slides.reader import SlideReader
from tasks.slides.resolution import OVERRIDE_ADVICE
from tasks.slides.row import SlideRow
from tasks.tiling._bands import counts_of
from tasks.tiling.coverage import fraction_at, tissue_fraction
from tasks.tiling.grid import Floats, Grid, TilePositions, choose, lay_grid
from tasks.tiling.positions import stated_positions
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.sections import Labels, find_sections, section_of_tiles
from tasks.tiling.tissue import Tissue, find_tissue

_log = logging.getLogger("veritile.tiling")

_A_HAIR = 1e-9


@dataclass(frozen=True)
class Layout:
    """The tiles of one slide before any is read.

    Attributes:
        tissue: where tissue lies.
        sections: the section of each pixel of the tissue mask, int32 [h, w].
        positions: the N tiles that hold enough tissue, or those that a coordinate file states.
        fractions: share of tissue of each tile, [N].
        section: section of each tile, [N].
        background: median colour of the slide outside of its tissue, RGB; white where all of it is tissue.
        unfit: why each tile is not to be read, "" where it is, [N]; empty: all are.
    """

    tissue: Tissue
    sections: Labels
    positions: TilePositions
    fractions: Floats
    section: NDArray[np.int64]
    background: Colour
    unfit: tuple[str, ...] = ()

    def unfit_at(self, row: int) -> str:
        """Return why a tile is not to be read; "" where it is."""
        return self.unfit[row] if self.unfit else ""


def lay_out(slide: SlideReader, recipe: TilingRecipe, where: str, coordinates: Path | None = None) -> Layout:
    """Return the tiles of a slide that hold at least ``recipe.min_tissue`` of tissue.

    A coordinate file replaces this choice: its tiles are taken as they are, in its order. How much tissue
    they hold and their sections are computed all the same.

    Raises:
        SlideError: the slide is coarser than the recipe, holds no tissue, or no tile holds enough of it; or
            the coordinate file cannot be used.
    """
    refuse_coarse(slide.geometry.mpp, recipe, where)
    stated = coordinates and stated_positions(coordinates, slide.geometry, recipe, where)
    overview, tissue = _look_for_tissue(slide, recipe, where)
    _say_doubts(tissue, recipe, where)
    if stated:
        positions, fractions = stated, fraction_at(tissue, stated)
    else:
        grid = lay_grid(slide.geometry, recipe)
        shares = tissue_fraction(tissue, grid)
        wanted = shares >= recipe.min_tissue - _A_HAIR
        _refuse_empty(wanted, grid, recipe, where)
        positions, fractions = choose(grid, wanted), shares[wanted]
    sections = find_sections(tissue, recipe.section_gap_um)
    return Layout(
        tissue=tissue,
        sections=sections,
        positions=positions,
        fractions=fractions,
        section=section_of_tiles(sections, tissue, positions),
        background=_background_colour(overview, tissue),
    )


def coordinates_of(row: SlideRow, data_root: Path) -> Path | None:
    """Return the coordinate file of a manifest's row, if it names one; features lie where their file says."""
    named = row.coordinates or row.features
    return None if named is None else data_root / named


def _look_for_tissue(slide: SlideReader, recipe: TilingRecipe, where: str) -> tuple[Overview, Tissue]:
    """Return the whole slide at low resolution, and where tissue lies in it."""
    overview = slide.overview(recipe.tissue_mpp)
    pixel_um2 = overview.downsample_x * slide.geometry.mpp * overview.downsample_y * slide.geometry.mpp_y
    return overview, find_tissue(overview, pixel_um2, recipe, where)


def _background_colour(overview: Overview, tissue: Tissue) -> Colour:
    bare = overview.readable & tissue.bare
    if not bare.any():
        return 255, 255, 255
    red, green, blue = (median_level(overview.pixels[..., channel], bare) for channel in range(3))
    return red, green, blue


def median_level(levels: NDArray[np.uint8], where: NDArray[np.bool_]) -> int:
    """Return the median of the levels at some pixels, rounded down, from their counts: nothing is copied."""
    below = np.cumsum(counts_of(levels, 255, where))
    middle = ((below[-1] - 1) // 2, below[-1] // 2)
    lower, upper = np.searchsorted(below, middle, side="right")
    return int(lower + upper) // 2


def _say_doubts(tissue: Tissue, recipe: TilingRecipe, where: str) -> None:
    """Say where much of the tissue is in doubt, and what looks wrong."""
    for warning in tissue.notes.warnings:
        _log.warning("%s: %s", where, warning)
    if tissue.doubt_fraction > recipe.doubt_limit:
        reasons = ", ".join(f"{name} {part:.0%}" for name, part in tissue.notes.doubts.items())
        _log.warning(
            "%s: %.1f %% of the tissue is in doubt (%s), %.0f %% pass without a word; tissue.png shows where",
            where, 100 * tissue.doubt_fraction, reasons, 100 * recipe.doubt_limit,
        )  # fmt: skip


def refuse_coarse(mpp: float, recipe: TilingRecipe, where: str) -> None:
    """Refuse a slide of ``mpp`` micrometres per pixel that is too coarse for the recipe.

    Raises:
        SlideError: the recipe is finer than the slide by more than ``max_enlargement``.
    """
    if mpp > recipe.mpp * recipe.max_enlargement:
        raise SlideError(
            f"{where}: the slide has {mpp:g} um/px and the recipe asks for {recipe.mpp:g}; "
            f"enlarging up to {recipe.max_enlargement:g} times is allowed. If the slide's value is wrong, "
            f"{OVERRIDE_ADVICE}"
        )


def _refuse_empty(wanted: NDArray[np.bool_], grid: Grid, recipe: TilingRecipe, where: str) -> None:
    if not grid.size:
        raise SlideError(f"{where}: the slide is smaller than one tile of {recipe.tile_um:g} um")
    if not wanted.any():
        raise SlideError(
            f"{where}: none of {grid.size} tiles of {recipe.tile_um:g} um "
            f"holds {recipe.min_tissue:.0%} tissue, the least that is allowed"
        )

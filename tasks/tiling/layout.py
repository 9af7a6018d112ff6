"""Where the tiles of one slide lie: tissue, sections and the chosen positions of the grid."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.slides.errors import SlideError
from tasks.slides.overview import Overview
from tasks.slides.reader import SlideReader
from tasks.slides.resolution import OVERRIDE_ADVICE
from tasks.tiling.coverage import tissue_fraction
from tasks.tiling.grid import Floats, Grid, TilePositions, choose, lay_grid
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.sections import Labels, find_sections, section_of_tiles
from tasks.tiling.tissue import Tissue, find_tissue

_A_HAIR = 1e-9


@dataclass(frozen=True)
class Layout:
    """The tiles of one slide before any is read.

    Attributes:
        tissue: where tissue lies.
        sections: the section of each pixel of the tissue mask, int32 [h, w].
        positions: the N tiles that hold enough tissue.
        fractions: share of tissue of each tile, [N].
        section: section of each tile, [N].
    """

    tissue: Tissue
    sections: Labels
    positions: TilePositions
    fractions: Floats
    section: NDArray[np.int64]


def lay_out(slide: SlideReader, recipe: TilingRecipe, where: str) -> Layout:
    """Return the tiles of a slide that hold at least ``recipe.min_tissue`` of tissue.

    Raises:
        SlideError: the slide is coarser than the recipe, holds no tissue, or no tile holds enough of it.
    """
    refuse_coarse(slide.geometry.mpp, recipe, where)
    _, tissue = look_for_tissue(slide, recipe, where)
    grid = lay_grid(slide.geometry, recipe)
    fractions = tissue_fraction(tissue, grid)
    wanted = fractions >= recipe.min_tissue - _A_HAIR
    _refuse_empty(wanted, grid, recipe, where)
    positions = choose(grid, wanted)
    sections = find_sections(tissue, recipe.section_gap_um)
    return Layout(
        tissue, sections, positions, fractions[wanted], section_of_tiles(sections, tissue, positions)
    )


def look_for_tissue(slide: SlideReader, recipe: TilingRecipe, where: str) -> tuple[Overview, Tissue]:
    """Return the whole slide at low resolution, and where tissue lies in it.

    Raises:
        SlideError: the slide holds no tissue.
    """
    overview = slide.overview(recipe.tissue_mpp)
    pixel_um2 = overview.downsample_x * slide.geometry.mpp * overview.downsample_y * slide.geometry.mpp_y
    return overview, find_tissue(overview, pixel_um2, recipe, where)


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

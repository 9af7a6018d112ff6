"""How many tiles each slide has, or probably has, and what that number rests on."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from tasks.slides.errors import SlideError
from tasks.slides.feature_files import read_feature_file
from tasks.slides.mirror import on_disk, size_of
from tasks.slides.row import SlideRow
from tasks.slides.slide_facts import SlideFacts
from tasks.slides.tile_lists.tile_list import read_tile_list
from tasks.tiling.recipe import TilingRecipe

TISSUE_FRACTION = 0.3
"""The fraction of a slide's area that holds tissue, where no slide was inspected. It is a guess."""

BYTES_PER_PIXEL = 0.25
"""Bytes of a slide file per pixel of the finest level, smaller levels included: JPEG of usual quality."""

LIKELY_MPP = 0.25
"""Micrometres per pixel of a slide of which only the file's size is known."""

Basis = Literal["tiled", "inspected", "size in pixels", "size of the file"]
"""What a number of tiles rests on, the surest first."""

BASES: tuple[Basis, ...] = ("tiled", "inspected", "size in pixels", "size of the file")


class SlideTiles(NamedTuple):
    """The tiles of one slide, and what their number rests on."""

    tiles: int
    basis: Basis


def tiles_by_size(row: SlideRow, facts: SlideFacts, path: Path, recipe: TilingRecipe) -> SlideTiles:
    """Return the number of tiles of a slide that was not inspected, from its pixels or else its bytes."""
    if row.lists_tiles and facts.width:
        with on_disk([path]):
            return SlideTiles(len(read_tile_list(path)), "inspected")
    if not row.has_pixels and not facts.problem:
        with on_disk([path]):
            return SlideTiles(len(read_feature_file(path).coords), "inspected")
    if facts.width:
        try:
            resolution = facts.resolution(row.stated_mpp, row.slide_id)
        except SlideError:
            mpp = mpp_y = LIKELY_MPP
        else:
            mpp, mpp_y = resolution.mpp, resolution.mpp_y
        tiles = _tiles_on_tissue(facts.width * mpp, facts.height * mpp_y, recipe)
        return SlideTiles(tiles, "size in pixels")
    side_um = math.sqrt((size_of(path) or 0) / BYTES_PER_PIXEL) * LIKELY_MPP
    return SlideTiles(_tiles_on_tissue(side_um, side_um, recipe), "size of the file")


def _tiles_on_tissue(width_um: float, height_um: float, recipe: TilingRecipe) -> int:
    columns, rows = (
        max(0, math.floor((length - recipe.tile_um) / recipe.stride_um) + 1)
        for length in (width_um, height_um)
    )
    return math.ceil(columns * rows * TISSUE_FRACTION)


def basis_in_words(slides: Mapping[str, SlideTiles]) -> str:
    """Say how many tiles there are and what that rests on."""
    total = sum(each.tiles for each in slides.values())
    counts = {basis: sum(each.basis == basis for each in slides.values()) for basis in BASES}
    sources = ", ".join(f"{count} {basis}" for basis, count in counts.items() if count)
    guessed = counts["size in pixels"] or counts["size of the file"]
    said = f"tiles: {total:,} on {len(slides):,} slides ({sources})"
    if not guessed:
        return said
    assumed = [f"{TISSUE_FRACTION:.0%} tissue"]
    if counts["size of the file"]:
        assumed.append(f"{BYTES_PER_PIXEL:g} bytes a pixel, {LIKELY_MPP:g} um/px")
    return f"{said}; where no slide was inspected, a guess with {' and '.join(assumed)}; --deep inspects"

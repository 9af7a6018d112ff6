"""Tile sets that read their pixels from the slides of a test."""

from pathlib import Path

from tasks.artifacts.surrounded_tiles import SurroundedTiles
from tasks.artifacts.tile_set import TileSet
from tasks.slides.row import SlideRow
from tasks.tiling.on_demand import SlidePixels


def source_of(root: Path, *rows: SlideRow) -> SlidePixels:
    """Return the slides of ``rows`` below ``root`` as a source of pixels."""
    return SlidePixels(root, {row.slide_id: row for row in rows})


def tiles_in(folder: Path, root: Path, *rows: SlideRow) -> TileSet:
    """Open the tiles in ``folder`` with their slides."""
    return TileSet.open(folder, source_of(root, *rows))


def surrounded_in(folder: Path, root: Path, *rows: SlideRow) -> SurroundedTiles:
    """Open the surrounded tiles in ``folder`` with their slides."""
    return SurroundedTiles.open(folder, source_of(root, *rows))

"""Whether tiles can be shown."""

from tasks.artifacts.tile_set import TileSet


def has_pixels(tiles: TileSet) -> bool:
    """Return whether the pixels of tiles can be read; a stand-in has none."""
    return tiles.keeps_pixels or tiles.source is not None

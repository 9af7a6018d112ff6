"""Regions of a slide by the direct path: the same pixels as OpenSlide's, from tiles decoded once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from tasks.slides.direct.layout import DirectLayout, DirectLevel
from tasks.slides.direct.paint import Region, paint, tiles_of
from tasks.slides.direct.source_tiles import SourceTile, SourceTiles
from tasks.slides.level_region import LevelRegion, Rgb
from tasks.slides.neighbours import neighbours_together

BLOCK_BYTES = 32 << 20
"""Decoded source tiles that a block of requests may hold at once, beside the cache."""

_CHUNK = 4096
"""OpenSlide reads in squares of this side and cuts the level-0 position of each to a whole pixel."""


class DirectSource:
    """The levels of one slide file, read without OpenSlide."""

    def __init__(self, path: Path, layout: DirectLayout) -> None:
        self._layout = layout
        self.tiles = SourceTiles(path, layout)

    def close(self) -> None:
        """Close the file."""
        self.tiles.close()

    def region(self, wanted: LevelRegion) -> Rgb:
        """Return uint8 [height, width, 3], white where the level has no pixels.

        Raises:
            TileError: a source tile of the region is damaged, or looks like it.
        """
        return self.painted(wanted, self.tiles.fetch(wanted.level, self._touched(wanted)))

    def painted(self, wanted: LevelRegion, tiles: Mapping[int, SourceTile], out: Rgb | None = None) -> Rgb:
        """Return a region from source tiles that were fetched before; written into ``out`` where that is."""
        if out is None:
            out = np.empty((wanted.height, wanted.width, 3), np.uint8)
        level = self.level(wanted.level)
        for chunk, rows, columns in _chunks(wanted, level):
            paint(level, tiles, chunk, out[rows, columns])
        return out

    def blocks(self, wanted: Sequence[LevelRegion]) -> Iterator[tuple[list[int], dict[int, SourceTile]]]:
        """Yield indices of requests, neighbours together, with the decoded source tiles that they need.

        All requests are of one level. Each source tile is decoded once per block. A block holds at most about
        ``BLOCK_BYTES`` of source tiles, so memory does not grow with the number of requests.
        """
        if not wanted:
            return
        level = self.level(wanted[0].level)
        most = max(1, BLOCK_BYTES // (level.tile_width * level.tile_height * 3))
        x, y = np.array([(each.x, each.y) for each in wanted], dtype=np.float64).T
        block: list[int] = []
        needed: set[int] = set()
        for index in neighbours_together(x, y, max(level.tile_width, level.tile_height) * level.downsample):
            touched = self._touched(wanted[index])
            if block and len(needed.union(touched)) > most:
                yield block, self.tiles.fetch(wanted[0].level, needed)
                block, needed = [], set()
            block.append(int(index))
            needed.update(touched)
        yield block, self.tiles.fetch(wanted[0].level, needed)

    def level(self, number: int) -> DirectLevel:
        """Return the layout of a level that is read directly."""
        level = self._layout.levels[number]
        assert level is not None, "a level that is left out is never asked for"
        return level

    def _touched(self, wanted: LevelRegion) -> list[int]:
        level = self.level(wanted.level)
        chunks = _chunks(wanted, level)
        return [index for chunk, _, _ in chunks for index in tiles_of(level, chunk)]


def _chunks(wanted: LevelRegion, level: DirectLevel) -> Iterable[tuple[Region, slice, slice]]:
    for row in range(0, wanted.height, _CHUNK):
        for column in range(0, wanted.width, _CHUNK):
            width, height = min(_CHUNK, wanted.width - column), min(_CHUNK, wanted.height - row)
            x, y = (
                int(start + done * level.downsample) / level.downsample
                for start, done in ((wanted.x, column), (wanted.y, row))
            )
            yield Region(x, y, width, height), slice(row, row + height), slice(column, column + width)

"""Putting decoded source tiles together to a region, byte for byte as OpenSlide does.

OpenSlide paints with cairo, one source tile after the other, the last first. Where the region begins on a
whole level pixel this copies. Between pixels cairo interpolates linearly, in float32, and rounds after each
tile. At the seam of two tiles the second fills up what the first left transparent. All this is reproduced
here in numpy, and a slide is read this way only after its pixels were compared with OpenSlide's.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.slides.direct.decode import TileError
from tasks.slides.direct.layout import DirectLevel
from tasks.slides.direct.source_tiles import SourceTile
from tasks.slides.level_region import Rgb

Floats = NDArray[np.float32]

_WHITE = 255
_LINE = 1 << 16
_ON_THE_PIXEL = 1 / 512
"""Cairo has positions in steps of 1/256; what rounds to a whole pixel is copied."""
_ONE = np.float32(1)
_UNIT = np.arange(256, dtype=np.float32) * (_ONE / np.float32(255))
"""Sample values from 0 to 1, in pixman's arithmetic."""


class Region(NamedTuple):
    """A rectangle of a level, in pixels of that level: position (fractions allowed) and size."""

    x: float
    y: float
    width: int
    height: int

    @property
    def copied(self) -> bool:
        """Whether it begins on a whole pixel."""
        return all(abs(value - round(value)) < _ON_THE_PIXEL for value in (self.x, self.y))


def tiles_of(level: DirectLevel, region: Region) -> list[int]:
    """Return the indices of the source tiles that a region touches."""
    beyond = 0 if region.copied else 1
    left, top = (round(v) if region.copied else _split(v)[0] for v in (region.x, region.y))
    right, below = left + region.width + beyond, top + region.height + beyond
    columns = _tile_range(left, right, level.width, level.tile_width)
    rows = _tile_range(top, below, level.height, level.tile_height)
    return [row * level.across + column for row in rows for column in columns]


def _tile_range(begin: int, end: int, limit: int, side: int) -> range:
    begin, end = max(begin, 0), min(end, limit)
    return range(begin // side, -(-end // side)) if end > begin else range(0)


def paint(level: DirectLevel, tiles: Mapping[int, SourceTile], region: Region, out: Rgb) -> None:
    """Write a region into ``out``, uint8 [height, width, 3]; white where the level has no pixels.

    Raises:
        TileError: a source tile of the region is damaged.
    """
    if region.copied:
        _copy(level, tiles, round(region.x), round(region.y), out)
        return
    left, right_weight = _split(region.x)
    top, below_weight = _split(region.y)
    corner = np.empty((region.height + 1, region.width + 1, 3), np.uint8)
    _copy(level, tiles, left, top, corner)
    out[:] = _bytes_of(_interpolate(_UNIT[corner], right_weight, below_weight))
    _whiten(level, tiles, (left, top), out)
    brush = _Brush(level, tiles, (left, top), (right_weight, below_weight))
    for column in _seams(left, region.width, level.tile_width, level.width):
        brush.stroke(slice(0, region.height), slice(column, column + 1), out)
    for row in _seams(top, region.height, level.tile_height, level.height):
        brush.stroke(slice(row, row + 1), slice(0, region.width), out)


def _split(position: float) -> tuple[int, np.float32]:
    """Return the pixel at or before a position, and the weight of the pixel after it, in steps of 1/65536."""
    steps = round(position * _LINE)
    return steps // _LINE, np.float32((steps % _LINE) / _LINE)


def _copy(level: DirectLevel, tiles: Mapping[int, SourceTile], left: int, top: int, out: Rgb) -> None:
    height, width = out.shape[:2]
    right, below = min(left + width, level.width), min(top + height, level.height)
    if right < left + width or below < top + height or left < 0 or top < 0:
        out[:] = _WHITE
    for row in _tile_range(top, below, level.height, level.tile_height):
        y = row * level.tile_height
        first, last = max(top, y), min(below, y + level.tile_height)
        for column in _tile_range(left, right, level.width, level.tile_width):
            x = column * level.tile_width
            begin, end = max(left, x), min(right, x + level.tile_width)
            tile = _pixels_of(tiles, row * level.across + column)
            inside = (slice(first - top, last - top), slice(begin - left, end - left))
            out[inside] = _WHITE if tile is None else tile[first - y : last - y, begin - x : end - x]


def _pixels_of(tiles: Mapping[int, SourceTile], index: int) -> Rgb | None:
    tile = tiles[index]
    if isinstance(tile, TileError):
        raise tile
    return tile


def _interpolate(samples: Floats, right: np.float32, below: np.float32) -> Floats:
    """Return [h, w, c] of samples [h + 1, w + 1, c], in the sequence of operations that pixman has."""
    total = samples[:-1, :-1] * ((_ONE - right) * (_ONE - below))
    total += samples[:-1, 1:] * (right * (_ONE - below))
    total += samples[1:, :-1] * ((_ONE - right) * below)
    total += samples[1:, 1:] * (right * below)
    return total


def _bytes_of(values: Floats) -> Rgb:
    """Return values from 0 to 1 as bytes; pixman cuts the range into 256 equal parts."""
    parts: Rgb = np.minimum(values * np.float32(256), np.float32(255)).astype(np.uint8)
    return parts


def _seams(first: int, count: int, side: int, limit: int) -> list[int]:
    """Return the pixels of a line that lie between two source tiles, or across the end of the level."""
    seams = list(range(side - 1 - first % side, count, side))
    end = limit - 1 - first
    return [*seams, end] if 0 <= end < count and end not in seams else seams


def _whiten(level: DirectLevel, tiles: Mapping[int, SourceTile], corner: tuple[int, int], out: Rgb) -> None:
    """Make white what was interpolated from white: beyond the level and where a tile is missing."""
    left, top = corner
    out[:, max(0, level.width - left) :] = _WHITE
    out[max(0, level.height - top) :] = _WHITE
    for index, tile in tiles.items():
        if tile is None:
            x, y = index % level.across * level.tile_width, index // level.across * level.tile_height
            rows = slice(max(0, y - top), max(0, y + level.tile_height - top))
            out[rows, max(0, x - left) : max(0, x + level.tile_width - left)] = _WHITE


class _Brush(NamedTuple):
    """Paints pixels that lie between source tiles: tile after tile, with the rounding after each."""

    level: DirectLevel
    tiles: Mapping[int, SourceTile]
    corner: tuple[int, int]
    weights: tuple[np.float32, np.float32]

    def stroke(self, rows: slice, columns: slice, out: Rgb) -> None:
        """Paint some rows and columns of ``out`` anew."""
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        painted = np.zeros((*shape, 4), np.uint8)
        left, top = self.corner[0] + columns.start, self.corner[1] + rows.start
        region = Region(left + 0.5, top + 0.5, shape[1], shape[0])
        for index in reversed(tiles_of(self.level, region)):
            pixels = _pixels_of(self.tiles, index)
            if pixels is not None:
                samples = self._samples(pixels, index, (left, top), shape)
                painted = _saturate(painted, _interpolate(samples, *self.weights))
        out[rows, columns] = _on_white(painted)

    def _samples(self, tile: Rgb, index: int, corner: tuple[int, int], shape: tuple[int, int]) -> Floats:
        """Return what a tile has around some pixels: [h + 1, w + 1, 4], transparent where it has nothing."""
        level = self.level
        x, y = index % level.across * level.tile_width, index // level.across * level.tile_height
        left, top = corner
        first, last = max(top, y), min(top + shape[0] + 1, y + level.tile_height, level.height)
        begin, end = max(left, x), min(left + shape[1] + 1, x + level.tile_width, level.width)
        samples = np.zeros((shape[0] + 1, shape[1] + 1, 4), np.float32)
        area = (slice(first - top, last - top), slice(begin - left, end - left))
        samples[area][..., :3] = _UNIT[tile[first - y : last - y, begin - x : end - x]]
        samples[area][..., 3] = 1
        return samples


def _saturate(below: Rgb, above: Floats) -> Rgb:
    """Return RGBA bytes after painting on them: what is opaque already takes nothing more."""
    painted = _UNIT[below]
    opacity = above[..., 3:]
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(opacity == 0, _ONE, ((_ONE - painted[..., 3:]) / opacity).clip(0, 1))
    return _bytes_of(np.minimum(above * room + painted, _ONE))


def _on_white(painted: Rgb) -> Rgb:
    """Return RGBA bytes, premultiplied, as RGB on white; rounded as Pillow does."""
    opacity = painted[..., 3:].astype(np.int32)
    colour = painted[..., :3].astype(np.int32) * 255 // np.maximum(opacity, 1)
    mixed = _WHITE * (255 - opacity) + colour * opacity + 128
    rounded: Rgb = (((mixed >> 8) + mixed) >> 8).astype(np.uint8)
    return rounded

"""The reader of a tile list: its tile images pasted on white, and each tile as it is in its image."""

from pathlib import Path

import numpy as np
from PIL import Image

from tasks.slides.area import average_area
from tasks.slides.choice import ReaderChoice
from tasks.slides.errors import SlideError
from tasks.slides.facts import FileFacts
from tasks.slides.geometry import geometry_of
from tasks.slides.level_region import LevelRegion, Rgb
from tasks.slides.pixels import Resample, Window
from tasks.slides.reader import SlideReader
from tasks.slides.resolution import MPP_RANGE, ManifestMpp, resolve
from tasks.slides.tile_lists.images import image_pixels
from tasks.slides.tile_lists.tile_list import TileList, read_tile_list

_WHITE = 255
_ON_THE_PIXEL = 1e-3
_VENDOR = "tile list"


def list_facts(tiles: TileList) -> FileFacts:
    """Return what a list says of its slide: one level, and no resolution."""
    return FileFacts(vendor=_VENDOR, level_sizes=(tiles.size,), level_downsamples=(1.0,), properties={})


def open_tile_list(
    path: Path, mpp: ManifestMpp, thumbnail_px: int = 1024, resample: Resample = "lanczos"
) -> "TileListReader":
    """Open a tile list as a slide.

    Args:
        path: the list.
        mpp: micrometres per pixel of its tile images, which only the manifest states.
        thumbnail_px: longer side of the thumbnail.
        resample: how a tile becomes a tile of another number of pixels.

    Raises:
        SlideError: the list cannot be used, or the manifest states no resolution.
    """
    facts = list_facts(read_tile_list(path))
    choice = ReaderChoice(name="list", reason="ready-made tile images are pasted together", facts=facts)
    resolution = resolve(facts.properties, mpp, MPP_RANGE, path.name)
    return TileListReader(path, choice, geometry_of(facts, resolution, thumbnail_px), resample)


class TileListSource:
    """The tiles of a list as regions of a slide; it holds no open file of its own."""

    def __init__(self, path: Path) -> None:
        self.tiles = read_tile_list(path)
        self._folder = path.parent
        self._last: tuple[str, Rgb] | None = None

    def close(self) -> None:
        """Forget the image that was decoded last."""
        self._last = None

    def facts(self) -> FileFacts:
        """Return what the list says of its slide."""
        return list_facts(self.tiles)

    def tile(self, row: int) -> Rgb:
        """Return uint8 [height, width, 3] of one tile, as it is in its image.

        Raises:
            SlideError: the image cannot be read, or has another size than the list says.
        """
        tiles, image = self.tiles, self.tiles.images[row]
        pixels = self._pixels(image)
        width, height = int(tiles.width[row]), int(tiles.height[row])
        found = pixels.shape[1], pixels.shape[0]
        if tiles.boxes is None:
            if found != (width, height):
                raise SlideError(
                    f"{image} has {found[0]} x {found[1]} px, and the list says {width} x {height}"
                )
            return pixels
        left, top = (int(value) for value in tiles.boxes[row])
        if left + width > found[0] or top + height > found[1]:
            raise SlideError(
                f"the box of {width} x {height} px at ({left}, {top}) leaves {image}, which has "
                f"{found[0]} x {found[1]} px"
            )
        return pixels[top : top + height, left : left + width]

    def region(self, wanted: LevelRegion) -> Rgb:
        """Return uint8 [height, width, 3] of what all tiles show there; white where there is none.

        Where tiles overlap, the later of the list is seen.

        Raises:
            SlideError: a tile cannot be read.
        """
        tiles = self.tiles
        page = np.full((wanted.height, wanted.width, 3), _WHITE, np.uint8)
        across = (tiles.x < wanted.x + wanted.width) & (tiles.x + tiles.width > wanted.x)
        down = (tiles.y < wanted.y + wanted.height) & (tiles.y + tiles.height > wanted.y)
        for row in np.flatnonzero(across & down):
            x, y = int(tiles.x[row]) - wanted.x, int(tiles.y[row]) - wanted.y
            tile = self.tile(int(row))[max(0, -y) :, max(0, -x) :]
            part = page[max(0, y) :, max(0, x) :][: tile.shape[0], : tile.shape[1]]
            part[:] = tile[: part.shape[0], : part.shape[1]]
        return page

    def _pixels(self, image: str) -> Rgb:
        last = self._last
        if last is None or last[0] != image:
            # One pair is exchanged as a whole, so that threads need no lock.
            self._last = last = (image, image_pixels(self._folder, image))
        return last[1]


class TileListReader(SlideReader):
    """A tile list, open as a slide.

    A square that is a tile of the list is that tile alone, whatever overlaps it: neighbours have no part in
    its resampling. A smaller tile is filled up with white to the right and below.
    """

    _source: TileListSource

    @property
    def tiles(self) -> TileList:
        """The list."""
        return self._source.tiles

    def _open_source(self, path: Path) -> TileListSource:
        return TileListSource(path)

    def _read(self, window: Window, size: tuple[int, int]) -> Rgb:
        row = self._row_of(window)
        if row is None:
            return super()._read(window, size)
        side, tile = self.tiles.side, self._source.tile(row)
        if tile.shape[:2] != (side, side):
            page = np.full((side, side, 3), _WHITE, np.uint8)
            page[: tile.shape[0], : tile.shape[1]] = tile
            tile = page
        if size == (side, side):
            return tile
        if self._resample == "area":
            return average_area(tile, (0.0, 0.0, float(side), float(side)), size)
        return np.asarray(Image.fromarray(tile).resize(size, Image.Resampling.LANCZOS))

    def _row_of(self, window: Window) -> int | None:
        """Return the row of the tile that a window is; None where it is something else."""
        tiles, (x, y) = self.tiles, (round(window.x), round(window.y))
        apart = (window.x - x, window.y - y, window.width - tiles.side, window.height - tiles.side)
        if max(map(abs, apart)) > _ON_THE_PIXEL:
            return None
        row = tiles.row_at.get((x, y))
        if row is None or max(tiles.width[row], tiles.height[row]) > tiles.side:
            return None
        return row

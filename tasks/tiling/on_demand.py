"""The pixels of tiles that keep none: read from the slide when asked for, and held against their digests."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.surrounded_tiles import SurroundedTiles
from tasks.artifacts.tile_array import Chosen, TileArray, is_one, row_numbers
from tasks.artifacts.tile_masks import read_mask_info
from tasks.artifacts.tile_set import CRC, TileSet
from tasks.slides.errors import SlideError
from tasks.slides.open_slides import OpenFiles
from tasks.slides.opening import Opening, read_reading
from tasks.slides.pixels import Rgb
from tasks.slides.reader import SlideReader
from tasks.slides.row import SlideRow
from tasks.tiling.halo import Floats, Halo
from tasks.tiling.squares import digests

_WHITE = 255
_MOST_REMEMBERED = 256
"""A request of so many tiles or fewer stays in memory until the next: metrics ask for the same again."""

OPEN_SLIDES: OpenFiles[SlideReader] = OpenFiles()
"""The open slides of this process."""


@dataclass(frozen=True)
class SlidePixels:
    """The slides of a cohort as a :class:`tasks.artifacts.pixel_source.PixelSource`.

    Attributes:
        data_root: the folder that paths start from.
        rows: the manifest's row of each slide, by slide id.

    Example:
        Tile a phantom, and read two of its tiles again:

        >>> from tempfile import TemporaryDirectory
        >>> from tasks.phantoms.generate import generate_cohort
        >>> from tasks.phantoms.recipe import PhantomRecipe
        >>> from tasks.tiling.build import tile_slide
        >>> from tasks.tiling.recipe import TilingRecipe
        >>> with TemporaryDirectory() as folder:
        ...     root, out = Path(folder), Path(folder, "tiles")
        ...     out.mkdir()
        ...     _ = generate_cohort(root, PhantomRecipe(size_px=(352, 352), mpp=1.0, sections=1))
        ...     row = SlideRow(slide_id="a", patient_id="p", path="slides/phantom_01_1.tiff", split="train")
        ...     _ = tile_slide(row, root, TilingRecipe(mpp=1.0), out)
        ...     tiles = TileSet.open(out, SlidePixels(root, {"a": row}))
        ...     pixels = tiles.pixels[[0, 3]]
        >>> pixels.shape, tiles.keeps_pixels
        ((2, 64, 64, 3), False)
    """

    data_root: Path
    rows: Mapping[str, SlideRow] = field(repr=False)

    def tile_pixels(self, tiles: TileSet) -> TileArray:
        """Return uint8 [N, H, W, 3] of a tile set.

        Raises:
            SlideError: the manifest has no such slide.
        """
        table = tiles.columns("slide_id", "x_level0", "y_level0", "extent_level0", "state", CRC)
        return OnDemandTiles(
            *self._placed(tiles.folder, table),
            tile_px=read_mask_info(tiles.folder).tile_px,
            readable=(table["state"] == "ok").to_numpy(),
        )

    def surrounded_pixels(self, around: SurroundedTiles) -> TileArray:
        """Return uint8 [N, H + 2 halo, W + 2 halo, 3] of tiles with their surroundings.

        Raises:
            SlideError: the manifest has no such slide.
        """
        index, info = around.index, around.info
        placed = self._placed(around.folder, index)
        halo = Halo(around.halo_px, info.tile_px, placed[-1], info.background)
        filled, cut = (index[name].to_numpy(dtype=np.bool_) for name in ("filled", "cut"))
        return OnDemandSquares(*placed, halo=halo, filled=filled, cut=cut)

    def form(self) -> dict[str, Any]:
        """Return what another process needs to make the same source, as plain JSON."""
        rows = {name: row.model_dump(mode="json") for name, row in self.rows.items()}
        return {"data_root": str(self.data_root), "rows": rows}

    @classmethod
    def of_form(cls, form: Mapping[str, Any]) -> "SlidePixels":
        """Return the source that :meth:`form` was asked of."""
        rows = {name: SlideRow.model_validate(row) for name, row in form["rows"].items()}
        return cls(Path(form["data_root"]), rows)

    def _placed(self, folder: Path, table: Any) -> tuple[Opening, Floats, Floats, NDArray[np.uint32], float]:
        """Return the slide, x, y, digests and extent of the tiles of ``table``."""
        x, y = (table[name].to_numpy(dtype=np.float64) for name in ("x_level0", "y_level0"))
        extent = float(table["extent_level0"].iloc[0]) if len(table) else 1.0
        slide = str(table["slide_id"].iloc[0]) if len(table) else ""
        return self._opening(slide, folder), x, y, table[CRC].to_numpy(dtype=np.uint32), extent

    def _opening(self, slide: str, folder: Path) -> Opening:
        row = self.rows.get(slide)
        if row is None:
            raise SlideError(f"slide {slide!r} is not in the manifest, so its pixels cannot be read")
        return Opening.again(row, self.data_root, read_reading(folder))


@dataclass(frozen=True)
class OnDemand(ABC):
    """uint8 [N, side, side, 3], read when indexed.

    Attributes:
        file: the slide.
        x: left edges of the tiles in level-0 pixels, [N].
        y: top edges of the tiles in level-0 pixels, [N].
        crc: the digest of each image, [N].
        extent: side of a tile in level-0 pixels.
    """

    file: Opening
    x: Floats
    y: Floats
    crc: NDArray[np.uint32]
    extent: float

    @property
    @abstractmethod
    def side(self) -> int:
        """Side of an image in pixels."""

    @property
    def shape(self) -> tuple[int, ...]:
        """[N, side, side, 3]."""
        return (len(self), self.side, self.side, 3)

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8."""
        return np.dtype(np.uint8)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: Chosen, /) -> Rgb:
        """Return the pixels of one tile, or of some. They may be read only.

        Raises:
            SlideError: the slide cannot be read, or gives other pixels than it did.
        """
        chosen = row_numbers(rows, len(self))
        key, last = chosen.tobytes(), self._last.get("request")
        if last is None or last[0] != key:
            last = (key, self._checked(chosen))
            if len(chosen) <= _MOST_REMEMBERED:
                self._last["request"] = last
        return last[1][0] if is_one(rows) else last[1]

    @cached_property
    def _last(self) -> dict[str, tuple[bytes, Rgb]]:
        """The last request. A pair in a dictionary is exchanged as one, so threads need no lock."""
        return {}

    @abstractmethod
    def _read(self, slide: SlideReader, chosen: NDArray[np.intp]) -> Rgb:
        """Return the pixels of some tiles."""

    @abstractmethod
    def _digested(self) -> NDArray[np.bool_]:
        """Return which images have a digest, [N]."""

    def _checked(self, chosen: NDArray[np.intp]) -> Rgb:
        with OPEN_SLIDES.lend(self.file) as slide:
            pixels = self._read(slide, chosen)
        other = (digests(pixels) != self.crc[chosen]) & self._digested()[chosen]
        if other.any():
            row = chosen[other][0]
            raise SlideError(
                f"{self.file.path.name}: {other.sum()} of {len(chosen)} tiles have other pixels than when "
                f"the slide was tiled, the first at ({self.x[row]:.0f}, {self.y[row]:.0f}); the slide has "
                "changed, so tile it again (--force --only tile)"
            )
        pixels.setflags(write=False)
        return pixels

    def _tiles(self, slide: SlideReader, chosen: NDArray[np.intp], tile_px: int) -> Rgb:
        pixels, reasons = slide.read_tiles(self.x[chosen], self.y[chosen], self.extent, tile_px)
        reason = next(filter(None, reasons), "")
        if reason:
            raise SlideError(
                f"a tile that could be read when the slide was tiled cannot be read now: {reason}"
            )
        return pixels


@dataclass(frozen=True)
class OnDemandTiles(OnDemand):
    """The tiles of one slide.

    Attributes:
        tile_px: side of a tile in pixels.
        readable: which tiles could be read when the slide was tiled, [N]; the others are white.
    """

    tile_px: int
    readable: NDArray[np.bool_]

    @property
    def side(self) -> int:
        """Side of a tile in pixels."""
        return self.tile_px

    def _read(self, slide: SlideReader, chosen: NDArray[np.intp]) -> Rgb:
        known = self.readable[chosen]
        if known.all():
            return self._tiles(slide, chosen, self.tile_px)
        pixels = np.full((len(chosen), *self.shape[1:]), _WHITE, np.uint8)
        pixels[known] = self._tiles(slide, chosen[known], self.tile_px)
        return pixels

    def _digested(self) -> NDArray[np.bool_]:
        return self.readable


@dataclass(frozen=True)
class OnDemandSquares(OnDemand):
    """The tiles of one slide with what surrounds them.

    Attributes:
        halo: how much that is.
        filled: whose surroundings could not be read, [N].
        cut: whose middle is read as a tile, [N].
    """

    halo: Halo
    filled: NDArray[np.bool_]
    cut: NDArray[np.bool_]

    @property
    def side(self) -> int:
        """Side of a square in pixels."""
        return self.halo.side

    def _read(self, slide: SlideReader, chosen: NDArray[np.intp]) -> Rgb:
        filled, cut = self.filled[chosen], self.cut[chosen]
        squares = np.empty((len(chosen), *self.shape[1:]), np.uint8)
        squares[filled] = self.halo.background
        squares[~filled], read = self.halo.read(slide, self.x[chosen[~filled]], self.y[chosen[~filled]])
        if not read.all():
            raise SlideError(
                f"{self.file.path.name}: what surrounds {(~read).sum()} tiles cannot be read now"
            )
        rows, columns = self.halo.inner
        squares[cut, rows, columns] = self._tiles(slide, chosen[cut], self.halo.tile_px)
        return squares

    def _digested(self) -> NDArray[np.bool_]:
        return np.ones(len(self), dtype=np.bool_)

"""The slide reader: the direct path or OpenSlide, with uniform errors, geometry and padding.

Label and macro images are never opened, and nothing of a slide's metadata is kept but its geometry.
"""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from tasks.slides.choice import ReaderChoice
from tasks.slides.direct import source_tiles
from tasks.slides.direct.decode import TileError
from tasks.slides.direct.source import DirectSource
from tasks.slides.direct.source_tiles import SourceTile, shared_threads
from tasks.slides.errors import SlideError
from tasks.slides.facts import FileFacts
from tasks.slides.first_look import choose_reader
from tasks.slides.geometry import SlideGeometry, geometry_of
from tasks.slides.level_region import LevelRegion, RegionSource, Rgb
from tasks.slides.neighbours import neighbours_together
from tasks.slides.openslide_source import OpenSlideSource, require_file
from tasks.slides.overview import Overview, read_overview
from tasks.slides.pixels import Resample, Window, WindowPlan, plan_window
from tasks.slides.resolution import MPP_RANGE, ManifestMpp, resolve

_WHITE = 255
_PER_JOB = 8


def open_slide(
    path: Path,
    mpp: ManifestMpp,
    mpp_range: tuple[float, float] = MPP_RANGE,
    thumbnail_px: int = 1024,
    resample: Resample = "lanczos",
    choice: ReaderChoice | None = None,
) -> "SlideReader":
    """Open a slide for reading; use it in a ``with`` statement.

    Args:
        path: a file that OpenSlide reads.
        mpp: micrometres per level-0 pixel that the manifest states; used where the metadata has none, or, as
            an ``MppOverride``, in any case.
        mpp_range: the plausible micrometres per pixel.
        thumbnail_px: longer side of the thumbnail.
        resample: how pixels are resampled where no level has the asked resolution.
        choice: how the file is read, from an earlier reader of the same file. Without it, the file is looked
            at in a child process, and about 20 regions are compared with OpenSlide's.

    Raises:
        SlideError: the file is missing, damaged or of no known format, or its resolution is unknown.

    Example:
        Half a millimetre of a small pyramid, as a tile of 64 pixels:

        >>> from tempfile import TemporaryDirectory
        >>> import numpy as np
        >>> from tasks.phantoms.files import write_pyramid
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "slide.tiff")
        ...     write_pyramid(path, np.full((600, 800, 3), 230, np.uint8), mpp=1.0, quality=90)
        ...     with open_slide(path, mpp=None) as slide:
        ...         extent = 500 / slide.geometry.mpp
        ...         tile = slide.read(100, 50, extent, out_px=64)
        >>> slide.geometry.width_level0, slide.geometry.mpp, tile.shape
        (800, 1.0, (64, 64, 3))
        >>> slide.choice.name
        'direct'
    """
    require_file(path)
    choice = choice or choose_reader(path)
    resolution = resolve(choice.facts.properties, mpp, mpp_range, path.name)
    geometry = geometry_of(choice.facts, resolution, thumbnail_px, tuple(choice.levels_left_out))
    return SlideReader(path, choice, geometry, resample)


class WholeSource(RegionSource, Protocol):
    """Reads any region of a slide."""

    def facts(self) -> FileFacts:
        """Return what the slide says of itself."""
        ...

    def close(self) -> None:
        """Close its files; closing twice does nothing."""
        ...


class SlideReader:
    """An open slide. Several threads may read from it, and a forked process may use it on.

    On the direct path it holds one descriptor of the file. OpenSlide is opened where it is chosen, or when a
    source tile looks damaged: then OpenSlide says whether it is.

    Attributes:
        geometry: its sizes and scales.
        choice: how the file is read, and why.
    """

    def __init__(
        self, path: Path, choice: ReaderChoice, geometry: SlideGeometry, resample: Resample = "lanczos"
    ) -> None:
        self.geometry, self.choice = geometry, choice
        self._path, self._resample = path, resample
        self._source = self._open_source(path)
        self._direct = None if choice.layout is None else DirectSource(path, choice.layout)
        self._thumbnail: Overview | None = None
        if self._direct is None and self._source.facts() != choice.facts:
            self.close()
            raise SlideError(
                f"{path.name}: its sizes or its resolution are others than at the first look; "
                "it is another file, so tile the slide again"
            )

    def _open_source(self, path: Path) -> "WholeSource":
        """Return what reads all that the direct path does not; another kind of slide has another."""
        return OpenSlideSource(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[type[Self], tuple[Path, ReaderChoice, SlideGeometry, Resample]]:
        """Pickle the reader as what it was opened with; the copy opens the file again."""
        return type(self), (self._path, self.choice, self.geometry, self._resample)

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        self._source.close()
        if self._direct is not None:
            self._direct.close()

    def read(self, x_level0: float, y_level0: float, extent_level0: float, out_px: int) -> Rgb:
        """Return the square at (x, y) with side ``extent_level0``, in level-0 pixels, as a tile.

        Returns:
            uint8 [out_px, out_px, 3], RGB; white where the slide is transparent or ends.

        Raises:
            SlideError: the region cannot be read; the reader stays usable.
        """
        return self._read(Window(x_level0, y_level0, extent_level0, extent_level0), (out_px, out_px))

    def read_tiles(
        self, x_level0: ArrayLike, y_level0: ArrayLike, extent_level0: float, out_px: int
    ) -> tuple[Rgb, list[str]]:
        """Return N squares with side ``extent_level0``, in any order, as :meth:`read` returns each.

        On the direct path squares that lie together are read together: each source tile is decoded once per
        block of about 32 MB, by several threads.

        Args:
            x_level0: left edges in level-0 pixels, [N].
            y_level0: top edges in level-0 pixels, [N].
            extent_level0: side of the squares in level-0 pixels.
            out_px: side of the tiles in pixels.

        Returns:
            uint8 [N, out_px, out_px, 3], RGB, and for each why it could not be read, or "". Such a tile is
            white.
        """
        corners = np.stack([np.asarray(x_level0, np.float64), np.asarray(y_level0, np.float64)], axis=1)
        windows = [Window(float(x), float(y), extent_level0, extent_level0) for x, y in corners]
        tiles = np.empty((len(windows), out_px, out_px, 3), np.uint8)
        reasons = [""] * len(windows)
        size = (out_px, out_px)
        left = (
            range(len(windows)) if self._direct is None else self._read_direct(self._direct, windows, tiles)
        )
        x, y = corners[list(left)].T
        for place in neighbours_together(x, y, extent_level0):
            i = left[place]
            try:
                tiles[i] = self._read(windows[i], size)
            except SlideError as error:
                tiles[i], reasons[i] = _WHITE, str(error)
        return tiles, reasons

    def overview(self, mpp: float) -> Overview:
        """Return the whole slide at about ``mpp`` micrometres per pixel, never finer than level 0."""
        geometry = self.geometry
        width = round(geometry.width_level0 * min(1.0, geometry.mpp / mpp))
        height = round(geometry.height_level0 * min(1.0, geometry.mpp_y / mpp))
        return self._overview((max(1, width), max(1, height)))

    def thumbnail(self) -> Rgb:
        """Return the whole slide as uint8 [thumbnail_height, thumbnail_width, 3]; the damaged is white."""
        if self._thumbnail is None:
            self._thumbnail = self._overview((self.geometry.thumbnail_width, self.geometry.thumbnail_height))
        return self._thumbnail.pixels

    def _overview(self, size: tuple[int, int]) -> Overview:
        return read_overview(
            self._read_picture, (self.geometry.width_level0, self.geometry.height_level0), size
        )

    def _read_picture(self, window: Window, size: tuple[int, int]) -> Rgb:
        """Read for a picture of the slide, which is the same however tiles are resampled."""
        return self._planned(window, plan_window(self.geometry, window, size, "picture"))

    def _read(self, window: Window, size: tuple[int, int]) -> Rgb:
        return self._planned(window, plan_window(self.geometry, window, size, self._resample))

    def _planned(self, window: Window, plan: WindowPlan) -> Rgb:
        try:
            return plan.finish(None if plan.region is None else self._region(plan.region))
        except SlideError as error:
            raise SlideError(
                f"{self._path.name}: the {window.width:.0f} px square at ({window.x:.0f}, {window.y:.0f}) "
                f"cannot be read: {error}"
            ) from error

    def _region(self, wanted: LevelRegion) -> Rgb:
        if self._direct is None:
            return self._source.region(wanted)
        try:
            return self._direct.region(wanted)
        except TileError:
            return self._source.region(wanted)

    def _read_direct(self, direct: DirectSource, windows: Sequence[Window], tiles: Rgb) -> list[int]:
        """Fill ``tiles`` by the direct path; return the tiles that OpenSlide has to judge."""
        size = (tiles.shape[2], tiles.shape[1])
        plans = [plan_window(self.geometry, window, size, self._resample) for window in windows]
        inside = [i for i, plan in enumerate(plans) if plan.region is not None]
        regions = [plans[i].region for i in inside]
        left: list[int] = []

        def finish(job: list[int], decoded: dict[int, SourceTile]) -> list[int]:
            return [i for i in job if not _finish(direct, plans[i], decoded, tiles[i])]

        for block, decoded in direct.blocks([region for region in regions if region is not None]):
            jobs = [[inside[k] for k in block[n : n + _PER_JOB]] for n in range(0, len(block), _PER_JOB)]
            run = map if len(jobs) == 1 or source_tiles.THREADS == 1 else shared_threads().map
            for failed in run(finish, jobs, [decoded] * len(jobs)):
                left.extend(failed)
        for i in set(range(len(plans))).difference(inside):
            tiles[i] = _WHITE
        return left


def _finish(direct: DirectSource, plan: WindowPlan, decoded: dict[int, SourceTile], out: Rgb) -> bool:
    """Write one tile; return whether its source tiles are whole."""
    assert plan.region is not None
    try:
        if plan.copied and plan.outside == (0, 0):
            direct.painted(plan.region, decoded, out)
        else:
            out[:] = plan.finish(direct.painted(plan.region, decoded))
    except TileError:
        return False
    return True

"""The slide reader: OpenSlide with uniform errors, geometry and padding.

Label and macro images are never opened, and nothing of a slide's metadata is kept but its geometry.
"""

from pathlib import Path
from types import TracebackType
from typing import Self

import openslide

from tasks.slides.errors import SlideError
from tasks.slides.geometry import SlideGeometry
from tasks.slides.overview import Overview, read_overview
from tasks.slides.pixels import Rgb, Window, read_window
from tasks.slides.resolution import MPP_RANGE, ManifestMpp, Resolution, resolve
from tasks.slides.slide_files import opens_without_bytes

CACHE_BYTES = 64 << 20
"""Bytes of decoded pixels cached per open slide. OpenSlide's default would add up over handles."""


def open_slide(
    path: Path,
    mpp: ManifestMpp,
    mpp_range: tuple[float, float] = MPP_RANGE,
    thumbnail_px: int = 1024,
) -> "SlideReader":
    """Open a slide for reading; use it in a ``with`` statement.

    Args:
        path: a file that OpenSlide reads.
        mpp: micrometres per level-0 pixel that the manifest states; used where the metadata has none, or, as
            an ``MppOverride``, in any case.
        mpp_range: the plausible micrometres per pixel.
        thumbnail_px: longer side of the thumbnail.

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
    """
    handle = _open(path)
    try:
        resolution = resolve(handle.properties, mpp, mpp_range, path.name)
        geometry = _geometry(handle, resolution, thumbnail_px)
    except SlideError:
        handle.close()
        raise
    return SlideReader(path, handle, geometry)


class SlideReader:
    """An open slide.

    Attributes:
        geometry: its sizes and scales.
    """

    def __init__(self, path: Path, handle: openslide.OpenSlide, geometry: SlideGeometry) -> None:
        self.geometry = geometry
        self._path = path
        self._handle = handle
        self._thumbnail: Overview | None = None

    def __enter__(self) -> Self:
        return self

    def close(self) -> None:
        """Close the file."""
        self._handle.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handle.close()

    def read(self, x_level0: float, y_level0: float, extent_level0: float, out_px: int) -> Rgb:
        """Return the square at (x, y) with side ``extent_level0``, in level-0 pixels, as a tile.

        Returns:
            uint8 [out_px, out_px, 3], RGB; white where the slide is transparent or ends.

        Raises:
            SlideError: the region cannot be read; the reader stays usable.
        """
        return self._read(Window(x_level0, y_level0, extent_level0, extent_level0), (out_px, out_px))

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
        return read_overview(self._read, (self.geometry.width_level0, self.geometry.height_level0), size)

    def _read(self, window: Window, size: tuple[int, int]) -> Rgb:
        try:
            return read_window(self._handle, self.geometry, window, size)
        except openslide.OpenSlideError as error:
            # OpenSlide repeats an error for every later region, so the handle is replaced.
            self._handle.close()
            self._handle = _open(self._path)
            raise SlideError(
                f"{self._path.name}: the {window.width:.0f} px square at ({window.x:.0f}, {window.y:.0f}) "
                f"cannot be read: {_said(error, self._path)}"
            ) from error


def _open(path: Path) -> openslide.OpenSlide:
    if not path.is_file():
        raise SlideError(f"{path.name}: there is no such file")
    if path.stat().st_size == 0 and not opens_without_bytes(path):
        raise SlideError(f"{path.name}: the file is empty")
    try:
        handle = openslide.OpenSlide(path)
    except openslide.OpenSlideError as error:
        raise SlideError(f"{path.name}: OpenSlide cannot open it: {_said(error, path)}") from error
    handle.set_cache(openslide.OpenSlideCache(CACHE_BYTES))
    return handle


def _said(error: openslide.OpenSlideError, path: Path) -> str:
    """Return OpenSlide's message without the folder, since artifacts must not contain local paths."""
    return str(error).replace(str(path), path.name)


def _geometry(handle: openslide.OpenSlide, resolution: Resolution, thumbnail_px: int) -> SlideGeometry:
    width, height = handle.dimensions
    shrink = max(1.0, max(width, height) / thumbnail_px)
    thumbnail = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    x, y, bounds_width, bounds_height = _bounds(handle)
    return SlideGeometry(
        width_level0=width,
        height_level0=height,
        mpp=resolution.mpp,
        mpp_y=resolution.mpp_y,
        mpp_source=resolution.source,
        bounds_x=x,
        bounds_y=y,
        bounds_width=bounds_width,
        bounds_height=bounds_height,
        level_downsamples=tuple(handle.level_downsamples),
        thumbnail_width=thumbnail[0],
        thumbnail_height=thumbnail[1],
        thumbnail_downsample_x=width / thumbnail[0],
        thumbnail_downsample_y=height / thumbnail[1],
    )


def _bounds(handle: openslide.OpenSlide) -> tuple[float, float, float, float]:
    """Return left, top, width and height of the scanned area; the whole slide where none is stated."""
    width, height = handle.dimensions
    defaults = {"x": 0, "y": 0, "width": width, "height": height}
    left, top, wide, high = (
        float(handle.properties.get(f"openslide.bounds-{name}", default))
        for name, default in defaults.items()
    )
    return left, top, wide, high

"""Regions of a slide through OpenSlide, opened when first needed and again after an error or a fork."""

import os
import threading
from pathlib import Path

import numpy as np
import openslide
from PIL import Image

from tasks.slides.errors import SlideError
from tasks.slides.facts import FileFacts
from tasks.slides.level_region import LevelRegion, Rgb
from tasks.slides.refused import why_refused
from tasks.slides.slide_files import opens_without_bytes

CACHE_BYTES = 64 << 20
"""Bytes of decoded pixels cached per open slide. OpenSlide's default would add up over handles."""

_KEPT = (
    "openslide.mpp-x", "openslide.mpp-y", "openslide.bounds-x", "openslide.bounds-y",
    "openslide.bounds-width", "openslide.bounds-height",
)  # fmt: skip
"""The properties that are kept. All others may hold what identifies a patient."""

_WHITE = (255, 255, 255)


class OpenSlideSource:
    """One slide file, read by OpenSlide."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._handle: openslide.OpenSlide | None = None
        self._pid = os.getpid()
        self._of_parents: list[openslide.OpenSlide] = []

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        if self._handle is not None and self._pid == os.getpid():
            self._handle.close()
            self._handle = None

    def open(self) -> openslide.OpenSlide:
        """Return the open handle of this process.

        Raises:
            SlideError: there is no such file, or OpenSlide does not read it.
        """
        if self._pid != os.getpid():
            # A handle from before a fork may have been locked by a thread that does not exist here: it is
            # neither used nor closed.
            if self._handle is not None:
                self._of_parents.append(self._handle)
            self._lock, self._handle, self._pid = threading.Lock(), None, os.getpid()
        with self._lock:
            if self._handle is None:
                self._handle = _open(self._path)
            return self._handle

    def facts(self) -> FileFacts:
        """Return what the file states of itself. Of its metadata only resolution and bounds are kept."""
        handle = self.open()
        stated = handle.properties
        return FileFacts(
            vendor=stated.get("openslide.vendor", ""),
            level_sizes=tuple((width, height) for width, height in handle.level_dimensions),
            level_downsamples=tuple(handle.level_downsamples),
            properties={name: stated[name] for name in _KEPT if name in stated},
        )

    def region(self, wanted: LevelRegion) -> Rgb:
        """Return uint8 [height, width, 3]; what is transparent or outside is white.

        Raises:
            SlideError: it cannot be read; the next region can.
        """
        handle = self.open()
        try:
            return _on_white(_read(handle, wanted))
        except openslide.OpenSlideError:
            pass
        # OpenSlide repeats an error for every later region, so the handle is replaced. The error may be that
        # of another thread's region, so this one is tried again. Others may still read from the old handle:
        # it is closed when the last of them lets go of it.
        fresh = _open(self._path)
        with self._lock:
            self._handle = fresh
        try:
            return _on_white(_read(_open(self._path), wanted))
        except openslide.OpenSlideError as error:
            raise SlideError(_said(error, self._path)) from error


def _read(handle: openslide.OpenSlide, wanted: LevelRegion) -> Image.Image:
    size = (wanted.width, wanted.height)
    region: Image.Image = handle.read_region((wanted.x, wanted.y), wanted.level, size)
    return region


def _on_white(read: Image.Image) -> Rgb:
    opacity = read.getchannel("A")
    if opacity.getextrema() == (255, 255):
        return np.asarray(read.convert("RGB"))
    region = Image.new("RGB", read.size, _WHITE)
    region.paste(read, (0, 0), mask=opacity)
    return np.asarray(region)


def require_file(path: Path) -> None:
    """Raise SlideError unless there is a file that is not empty, or need not be."""
    if not path.is_file():
        raise SlideError(f"{path.name}: there is no such file")
    if path.stat().st_size == 0 and not opens_without_bytes(path):
        raise SlideError(f"{path.name}: the file is empty")


def _open(path: Path) -> openslide.OpenSlide:
    require_file(path)
    try:
        handle = openslide.OpenSlide(path)
    except openslide.OpenSlideError as error:
        said = f"{path.name}: OpenSlide cannot open it: {_said(error, path)}"
        raise SlideError(said + why_refused(path)) from error
    handle.set_cache(openslide.OpenSlideCache(CACHE_BYTES))
    return handle


def _said(error: openslide.OpenSlideError, path: Path) -> str:
    """Return OpenSlide's message without the folder, since artifacts must not contain local paths."""
    return str(error).replace(str(path), path.name)

"""The images that tile lists name: files of a folder, and entries of zip archives in it."""

import os
import zipfile
import zlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from PIL import Image

from tasks.slides.errors import SlideError
from tasks.slides.level_region import Rgb
from tasks.slides.present import is_present

_ARCHIVES = 8
"""Zip archives whose directory stays in memory."""

_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
"""Pillow's modes of 8 bits; more bits would be cut off in silence."""

_BROKEN = (OSError, ValueError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError)


class ImageLocation(NamedTuple):
    """Where an image lies: a file, or an entry of an archive."""

    file: Path
    entry: str | None


def location_of(folder: Path, image: str) -> ImageLocation:
    """Return where the image of a list in ``folder`` lies.

    Raises:
        SlideError: there is no such file, or a link leads out of the folder.
    """
    parts = PurePosixPath(image).parts
    for count, part in enumerate(parts[:-1], start=1):
        if part.lower().endswith(".zip") and (file := _archive_file(folder, parts[:count])):
            return ImageLocation(file, "/".join(parts[count:]))
    return ImageLocation(_inside(folder, folder.joinpath(*parts), image), None)


def image_size(folder: Path, image: str) -> tuple[int, int]:
    """Return width and height of an image in pixels, from its header.

    Raises:
        SlideError: it cannot be read.
    """
    with _opened(folder, image) as found:
        return found.size


def image_pixels(folder: Path, image: str) -> Rgb:
    """Return uint8 [H, W, 3]; what is transparent is white.

    Raises:
        SlideError: it cannot be read, or has more than 8 bits a channel.
    """
    with _opened(folder, image) as found:
        if found.mode not in _MODES:
            raise SlideError(f"{image} has Pillow's mode {found.mode}; 8 bits a channel are needed")
        try:
            return _on_white(found)
        except (*_BROKEN, SyntaxError) as error:
            raise SlideError(f"{image} cannot be decoded: {_said(error, folder)}") from error


def archived_digests(folder: Path, images: Iterable[str]) -> list[tuple[str, str]]:
    """Return (image, CRC-32 and size from the archive's directory) of the images that lie in archives.

    Raises:
        SlideError: an archive cannot be read, or lacks an entry.
    """
    found = []
    for image in dict.fromkeys(images):
        location = location_of(folder, image)
        if location.entry is not None:
            info = _entry(location, image)
            found.append((image, f"{info.CRC:08x}:{info.file_size}"))
    return found


def plain_files(folder: Path, images: Iterable[str]) -> list[tuple[str, Path]]:
    """Return (image, file) of the images that are files of their own.

    Raises:
        SlideError: one is not there.
    """
    locations = {image: location_of(folder, image) for image in dict.fromkeys(images)}
    return [(image, location.file) for image, location in locations.items() if location.entry is None]


@lru_cache(maxsize=1024)
def _archive_file(folder: Path, parts: tuple[str, ...]) -> Path | None:
    """Return the archive of a path, None where it is a folder; kept, for every image of it asks."""
    file = folder.joinpath(*parts)
    return _inside(folder, file, "/".join(parts)) if is_present(file) else None


def _inside(folder: Path, file: Path, image: str) -> Path:
    if not is_present(file):
        raise SlideError(f"there is no image {image!r} in the folder of the list")
    if not file.resolve().is_relative_to(folder.resolve()):
        raise SlideError(f"image {image!r} leads out of the folder of the list")
    return file


def _opened(folder: Path, image: str) -> Image.Image:
    location = location_of(folder, image)
    try:
        if location.entry is None:
            return Image.open(location.file)
        entry = _entry(location, image)
        return Image.open(_archive_of(location.file).open(entry))
    except (*_BROKEN, Image.DecompressionBombError) as error:
        raise SlideError(f"{image} is no image that can be read: {_said(error, folder)}") from error


def _entry(location: ImageLocation, image: str) -> zipfile.ZipInfo:
    try:
        return _archive_of(location.file).getinfo(str(location.entry))
    except KeyError:
        raise SlideError(f"archive {location.file.name} has no entry {location.entry!r} ({image})") from None
    except (OSError, zipfile.BadZipFile) as error:
        raise SlideError(f"{location.file.name} is no zip archive that can be read: {error}") from error


def _archive_of(file: Path) -> zipfile.ZipFile:
    stat = file.stat()
    # A forked process opens the file again: with its parent it would share the location in the file.
    return _archive(file, stat.st_mtime_ns, stat.st_size, os.getpid())


@lru_cache(maxsize=_ARCHIVES)
def _archive(file: Path, _written: int, _size: int, _process: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(file)


def _on_white(image: Image.Image) -> Rgb:
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        shown = image.convert("RGBA")
        page = Image.new("RGB", shown.size, (255, 255, 255))
        page.paste(shown, (0, 0), mask=shown.getchannel("A"))
        return np.asarray(page)
    return np.asarray(image.convert("RGB"))


def _said(error: BaseException, folder: Path) -> str:
    """Return a message without the folder, since artifacts must not contain local paths."""
    return str(error).replace(f"{folder}{os.sep}", "")

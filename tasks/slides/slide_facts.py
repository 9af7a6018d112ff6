"""What tells one slide from another, and its size: what can be known without reading its pixels."""

import hashlib
from pathlib import Path

import openslide
from pydantic import BaseModel, ConfigDict

from tasks.slides.errors import SlideError
from tasks.slides.feature_files import is_feature_file, read_feature_file
from tasks.slides.resolution import MPP_RANGE, ManifestMpp, Resolution, resolve
from tasks.slides.tile_lists.tile_list import is_tile_list, read_tile_list

_GRID, _SIDE = 4, 64
"""Two slides are compared on 4 x 4 squares of 64 pixels, spread over all of the finest level."""


OPENED_WITH = openslide.__library_version__
"""Another version may open other files."""


class SlideFacts(BaseModel):
    """What opening a slide says of it. Nothing else of its metadata is kept.

    Attributes:
        likeness: the hash of OpenSlide's quickhash-1, which files of one slide have in common; None where the
            slide has none.
        width: of the finest level in pixels; 0 where the slide cannot be opened.
        height: of the finest level in pixels.
        mpp: micrometres per pixel as the metadata has it, along x and y, as text; None where it has none.
        problem: why it cannot be opened; empty where it can.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    likeness: str | None = None
    width: int = 0
    height: int = 0
    mpp: tuple[str | None, str | None] = (None, None)
    problem: str = ""

    def resolution(self, manifest_mpp: ManifestMpp, where: str) -> Resolution:
        """Return the size of a pixel, by the same rules as when the slide is read.

        Raises:
            SlideError: the size cannot be believed.
        """
        stated = {f"openslide.mpp-{axis}": text for axis, text in zip("xy", self.mpp, strict=True) if text}
        return resolve(stated, manifest_mpp, MPP_RANGE, where)


def facts_of(path: Path) -> SlideFacts:
    """Open a slide and return what it says; a slide that cannot be opened says why."""
    try:
        if is_tile_list(path):
            width, height = read_tile_list(path).size
            return SlideFacts(width=width, height=height)
        if is_feature_file(path):
            read_feature_file(path)
            return SlideFacts()
        with openslide.OpenSlide(path) as slide:
            properties = slide.properties
            likeness = properties.get("openslide.quickhash-1")
            return SlideFacts(
                likeness=hashlib.sha256(likeness.encode()).hexdigest() if likeness else None,
                width=slide.dimensions[0],
                height=slide.dimensions[1],
                mpp=(properties.get("openslide.mpp-x"), properties.get("openslide.mpp-y")),
            )
    except SlideError as error:
        return SlideFacts(problem=str(error))
    except openslide.OpenSlideError as error:
        return SlideFacts(problem=f"{path.name}: OpenSlide cannot open it: {_said(error, path)}")
    except OSError as error:
        return SlideFacts(problem=f"{path.name}: it cannot be read: {error.strerror}")


def sample_digest(path: Path) -> str:
    """Return 64 hex digits over the size of a slide and squares of its finest level.

    It is asked for where slides have the same likeness: that covers the coarsest level alone, which may be a
    single white pixel. A square that cannot be read counts as such.
    """
    digest = hashlib.sha256()
    try:
        with openslide.OpenSlide(path) as slide:
            digest.update(repr(slide.dimensions).encode())
            for number in range(_GRID * _GRID):
                digest.update(_square(slide, number))
    except openslide.OpenSlideError:
        digest.update(b"cannot be read")
    return digest.hexdigest()


def _square(slide: openslide.OpenSlide, number: int) -> bytes:
    row, column = divmod(number, _GRID)
    left, top = (
        round(max(0, length - _SIDE) * index / (_GRID - 1))
        for length, index in zip(slide.dimensions, (column, row), strict=True)
    )
    pixels: bytes = slide.read_region((left, top), 0, (_SIDE, _SIDE)).tobytes()
    return pixels


def _said(error: openslide.OpenSlideError, path: Path) -> str:
    return str(error).replace(str(path), path.name)

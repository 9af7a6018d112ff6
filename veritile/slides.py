"""Slides: open one, and read a region at a stated resolution."""

from pathlib import Path

from tasks.slides import reader
from tasks.slides.pixels import Rgb
from tasks.slides.reader import SlideReader


def open_slide(path: str | Path, mpp: float | None = None) -> SlideReader:
    """Open a slide for reading. Use it in a ``with`` statement.

    Args:
        path: a file that OpenSlide reads.
        mpp: micrometres per level-0 pixel; used if the metadata of the file states none.

    Raises:
        SlideError: the file is missing, damaged or of unknown format, or its resolution is unknown.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from veritile import PhantomRecipe, generate_cohort, open_slide, read_region
        >>> recipe = PhantomRecipe(train=(1,), val=(1,), test=(1,), size_px=(400, 320), mpp=1.0, sections=1)
        >>> with TemporaryDirectory() as folder:
        ...     manifest = generate_cohort(Path(folder), recipe)
        ...     path = sorted(manifest.parent.glob("slides/*.tiff"))[0]
        ...     with open_slide(path) as slide:
        ...         tile = read_region(slide, 100, 50, mpp=2.0, size_px=64)
        >>> slide.geometry.mpp, slide.geometry.width_level0, tile.shape
        (1.0, 400, (64, 64, 3))
    """
    return reader.open_slide(Path(path), mpp)


def read_region(slide: SlideReader, x_level0: float, y_level0: float, *, mpp: float, size_px: int) -> Rgb:
    """Return a square region of a slide at ``mpp`` micrometres per pixel.

    Args:
        slide: an open slide.
        x_level0: left edge in level-0 pixels.
        y_level0: top edge in level-0 pixels.
        mpp: micrometres per pixel of the result.
        size_px: width and height of the result.

    Returns:
        uint8 [size_px, size_px, 3], RGB; white where the slide is transparent or ends.

    Raises:
        SlideError: the region cannot be read.
    """
    return slide.read(x_level0, y_level0, size_px * mpp / slide.geometry.mpp, size_px)

"""Pictures of tissue for the page: the slide as sharp as fits, and single tiles."""

import base64
import io
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tasks.artifacts.tile_set import TileSet
from tasks.functional.pixels import spans
from tasks.reporting.arrays import Rgb
from tasks.reporting.maps.canvas import MapCanvas, thumbnail_canvas
from tasks.reporting.maps.tile_pixels import has_pixels, with_grey_squares
from tasks.reporting.maps.view import THUMBNAIL
from tasks.reporting.review.budget import DETAIL_SIDES, PICTURE_SIDES
from tasks.slides.geometry import SlideGeometry

_BLOCK = 64
_QUALITY = 82


@dataclass(frozen=True)
class SlidePicture:
    """A picture of ``width`` x ``height`` pixels as a data URI."""

    uri: str
    width: int
    height: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as the page stores it."""
        return asdict(self)


def slide_picture(tiles: TileSet, geometry: SlideGeometry, max_bytes: int) -> SlidePicture:
    """Return the whole slide: its thumbnail, with the tiles in full detail on top.

    Args:
        tiles: the slide.
        geometry: its sizes.
        max_bytes: size limit. The largest picture that fits is returned, or else the smallest.
    """
    finest = _finest_side(tiles, geometry)
    sides = [side for side in PICTURE_SIDES if side < finest]
    whole = _mosaic(tiles, geometry, min(finest, PICTURE_SIDES[0]))
    picture = _encoded(whole)
    for side in sides:
        if len(picture.uri) <= max_bytes:
            break
        small = whole.copy()
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
        picture = _encoded(small)
    return picture


def tile_picture(pixels: NDArray[np.uint8]) -> str:
    """Return one tile [H, W, 3] as a data URI, at most 128 pixels per side."""
    picture = Image.fromarray(np.asarray(pixels))
    picture.thumbnail((DETAIL_SIDES[0], DETAIL_SIDES[0]), Image.Resampling.LANCZOS)
    return _encoded(picture).uri


def _finest_side(tiles: TileSet, geometry: SlideGeometry) -> int:
    """Return the longer side of the slide at the resolution of its tiles, at least that of the thumbnail."""
    thumbnail: int = max(geometry.thumbnail_width, geometry.thumbnail_height)
    if not len(tiles.usable) or not has_pixels(tiles):
        return thumbnail
    pixel = float(tiles.table["extent_level0"].iloc[0]) / tiles.pixels.shape[1]
    return max(thumbnail, int(max(geometry.width_level0, geometry.height_level0) / pixel + 0.5))


def _mosaic(tiles: TileSet, geometry: SlideGeometry, side: int) -> Image.Image:
    canvas = thumbnail_canvas(geometry)
    scale = side / max(canvas.width, canvas.height)
    size = (max(1, round(canvas.width * scale)), max(1, round(canvas.height * scale)))
    with Image.open(tiles.folder / THUMBNAIL) as thumbnail:
        whole = thumbnail.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    if not has_pixels(tiles):
        return Image.fromarray(with_grey_squares(np.asarray(whole), _canvas_of(geometry, size), tiles))
    across, down = size[0] / geometry.width_level0, size[1] / geometry.height_level0
    usable = tiles.usable
    squares = tiles.table[["x_level0", "y_level0", "extent_level0"]].to_numpy(dtype=np.float64)[usable]
    for span in spans(len(usable), _BLOCK):
        pixels: Rgb = np.asarray(tiles.pixels[usable[span]])
        for (x, y, extent), tile in zip(squares[span].tolist(), pixels, strict=True):
            left, top = round(x * across), round(y * down)
            right, bottom = round((x + extent) * across), round((y + extent) * down)
            if right > left and bottom > top:
                shown = Image.fromarray(tile).resize((right - left, bottom - top), Image.Resampling.BOX)
                whole.paste(shown, (left, top))
    return whole


def _canvas_of(geometry: SlideGeometry, size: tuple[int, int]) -> MapCanvas:
    """Return the canvas of a picture of ``size`` that shows the whole slide."""
    width, height = size
    across, down = geometry.width_level0 / width, geometry.height_level0 / height
    return MapCanvas(left=0.0, top=0.0, step_x=across, step_y=down, width=width, height=height)


def _encoded(picture: Image.Image) -> SlidePicture:
    return SlidePicture(webp_uri(picture, _QUALITY, method=4), picture.width, picture.height)


def webp_uri(picture: Image.Image, quality: int, method: int) -> str:
    """Return a picture as a data URI.

    Args:
        picture: the picture.
        quality: 0 to 100.
        method: 0 (quick) to 6 (small).
    """
    stream = io.BytesIO()
    picture.save(stream, "WEBP", quality=quality, method=method)
    return f"data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode()}"

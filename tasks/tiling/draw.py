"""Pictures on the thumbnail: the grid with its labels, and the tissue with its sections."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from tasks.artifacts.tile_masks import Colour
from tasks.artifacts.tile_set import MIXED
from tasks.slides.geometry import SlideGeometry
from tasks.slides.pixels import Rgb
from tasks.tiling.labels import UNKNOWN
from tasks.tiling.sections import Labels
from tasks.tiling.tissue import BLUR, CANVAS, CLASSES, FOLD, PEN, Tissue

Value = TypeVar("Value", bound=np.generic)

# Okabe and Ito's palette, distinguishable with any colour vision.
_CLASS_COLOURS: tuple[Colour, ...] = (
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
)
_MIXED: Colour = (240, 228, 66)
_UNKNOWN: Colour = (128, 128, 128)
_FAILED: Colour = (0, 0, 0)
_ARTEFACTS: dict[int, Colour] = {
    PEN: (213, 94, 0), CANVAS: (60, 60, 60), FOLD: (148, 52, 148), BLUR: (86, 180, 233),
}  # fmt: skip
_DOUBT: Colour = (240, 228, 66)
_HATCH_PX = 4
_INK: Colour = (20, 20, 20)
_FILL_ALPHA = 70
_LEGEND_PX = 26


def draw_grid(
    thumbnail: Rgb, geometry: SlideGeometry, table: pd.DataFrame, classes: Sequence[str]
) -> Image.Image:
    """Return the thumbnail with every tile in the colour of its label, failed tiles crossed, and a legend."""
    colours = _colours(classes)
    page = Image.fromarray(thumbnail).convert("RGBA")
    veil = Image.new("RGBA", page.size)
    pen = ImageDraw.Draw(veil)
    corners = _corners(table, geometry)
    for corner, label, state in zip(corners, table["label"], table["state"], strict=True):
        left, top, right, bottom = corner
        colour = colours[label]
        # A tile may be smaller than a pixel of the thumbnail.
        edges = (left, top, max(left, right - 1), max(top, bottom - 1))
        pen.rectangle(edges, fill=(*colour, _FILL_ALPHA), outline=(*colour, 255))
        if state != "ok":
            pen.line((left, top, right, bottom), fill=(*_FAILED, 255), width=2)
            pen.line((left, bottom, right, top), fill=(*_FAILED, 255), width=2)
    page = Image.alpha_composite(page, veil).convert("RGB")
    return _with_legend(page, _legend(table, colours))


def draw_tissue(thumbnail: Rgb, geometry: SlideGeometry, tissue: Tissue, sections: Labels) -> Image.Image:
    """Return the thumbnail, pale where there is no tissue, with the edge and number of each section.

    Where the classes of tissue were looked at, artefacts have a colour, what is in doubt is hatched, and a
    legend gives the share of the slide of each artefact and the share of the tissue in doubt.
    """
    numbers = _on_thumbnail(sections, geometry, tissue)
    page = thumbnail.copy()
    page[numbers == 0] = page[numbers == 0] // 3 + 170
    entries = _paint_classes(page, geometry, tissue)
    edge = (numbers > 0) & (ndimage.minimum_filter(numbers, size=3) != numbers)
    page[edge] = _CLASS_COLOURS[0]
    image = Image.fromarray(page)
    pen = ImageDraw.Draw(image)
    for number, span in enumerate(ndimage.find_objects(numbers), start=1):
        if span is not None:
            middle = ((span[1].start + span[1].stop) / 2, (span[0].start + span[0].stop) / 2)
            pen.text(
                middle,
                str(number),
                fill=_INK,
                font=_font(22),
                anchor="mm",
                stroke_width=3,
                stroke_fill="white",
            )
    return _with_legend(image, entries) if entries else image


def _paint_classes(page: Rgb, geometry: SlideGeometry, tissue: Tissue) -> dict[str, Colour]:
    """Tint artefacts and hatch what is in doubt, in place, and return the legend."""
    if tissue.classes is None or tissue.doubt is None:
        return {}
    classes = _on_thumbnail(tissue.classes, geometry, tissue)
    entries: dict[str, Colour] = {
        f"tissue {tissue.mask.mean():.1%}, by {tissue.notes.rule}": _CLASS_COLOURS[0]
    }
    for number, colour in _ARTEFACTS.items():
        fraction = float((tissue.classes == number).mean())
        if fraction:
            page[classes == number] = page[classes == number] // 3 + np.array(colour, np.uint8) // 3 * 2
            entries[f"{CLASSES[number]} {fraction:.1%}"] = colour
    rows, columns = np.indices(classes.shape)
    hatched = _on_thumbnail(tissue.doubt, geometry, tissue) & ((rows + columns) % _HATCH_PX < _HATCH_PX / 2)
    page[hatched] = _DOUBT
    entries[f"in doubt {tissue.doubt_fraction:.1%} of the tissue"] = _DOUBT
    return entries


def _on_thumbnail(values: NDArray[Value], geometry: SlideGeometry, tissue: Tissue) -> NDArray[Value]:
    columns = (
        (np.arange(geometry.thumbnail_width) + 0.5) * geometry.thumbnail_downsample_x / tissue.downsample_x
    )
    rows = (
        (np.arange(geometry.thumbnail_height) + 0.5) * geometry.thumbnail_downsample_y / tissue.downsample_y
    )
    height, width = values.shape
    picked: NDArray[Value] = values[
        np.ix_(np.minimum(rows.astype(int), height - 1), np.minimum(columns.astype(int), width - 1))
    ]
    return picked


def _colours(classes: Sequence[str]) -> dict[str, Colour]:
    named = {name: _CLASS_COLOURS[i % len(_CLASS_COLOURS)] for i, name in enumerate(classes)}
    return {**named, MIXED: _MIXED, UNKNOWN: _UNKNOWN}


def _corners(table: pd.DataFrame, geometry: SlideGeometry) -> Iterator[tuple[float, float, float, float]]:
    """Yield left, top, right and bottom of each tile in thumbnail pixels."""
    x, y, extent = (table[name].to_numpy(float) for name in ("x_level0", "y_level0", "extent_level0"))
    lefts, tops = geometry.level0_to_thumbnail(x, y)
    rights, bottoms = geometry.level0_to_thumbnail(x + extent, y + extent)
    yield from zip(lefts.tolist(), tops.tolist(), rights.tolist(), bottoms.tolist(), strict=True)


def _legend(table: pd.DataFrame, colours: Mapping[str, Colour]) -> dict[str, Colour]:
    counts = {name: int((table["label"] == name).sum()) for name in colours}
    shown = {f"{name or 'no label'} {count}": colours[name] for name, count in counts.items() if count}
    failed = int((table["state"] != "ok").sum())
    return {**shown, f"failed {failed}": _FAILED} if failed else shown


def _with_legend(page: Image.Image, entries: Mapping[str, Colour]) -> Image.Image:
    sheet = Image.new("RGB", (page.width, page.height + _LEGEND_PX), "white")
    sheet.paste(page)
    pen = ImageDraw.Draw(sheet)
    x, y = 6.0, page.height + _LEGEND_PX / 2
    for text, colour in entries.items():
        pen.rectangle((x, y - 6, x + 12, y + 6), fill=colour)
        pen.text((x + 18, y), text, fill=_INK, font=_font(14), anchor="lm")
        x += 34 + pen.textlength(text, font=_font(14))
    return sheet


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)

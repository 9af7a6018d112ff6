"""The picture of preferred images, each beside the training tile of highest value."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from tasks.exemplars._ascent import Climbed
from tasks.exemplars._training_summary import TrainingSummary
from tasks.exemplars.base import ShownFile
from tasks.reporting.drawing.page import SOFT, Page
from tasks.samples.readable_tiles import ReadableTiles

_SIDE, _GAP, _EDGE = 168, 12, 20
_HEAD, _TITLE, _CAPTION, _FOOT = 84, 26, 60, 120
_CARD = 2 * _SIDE + _GAP
_APART = 36
_COLUMNS = 2
_ROW = _TITLE + _SIDE + _CAPTION


@dataclass(frozen=True)
class Preferred:
    """One result of the ascent.

    Attributes:
        name: of the class or channel.
        image: uint8 [P, P, 3].
        start: its value before the first step.
        end: its value at the end; both with the original weights.
        highest: the highest value of any training tile.
        row: of that tile.
    """

    name: str
    image: NDArray[np.uint8]
    start: float
    end: float
    highest: float
    row: int

    @property
    def rose(self) -> bool:
        """Whether the value is higher than before."""
        return self.end > self.start

    @property
    def file(self) -> ShownFile:
        """The image alone, at its own size."""
        meaning = f"the image that {self.name} prefers"
        return ShownFile(meaning, lambda path: Image.fromarray(self.image).save(path))


@dataclass(frozen=True)
class Sheet:
    """The content: the images, the training tiles, and text for the title and the legend."""

    items: Sequence[Preferred]
    tiles: ReadableTiles
    title: str
    legend: str


def preferred(
    found: Climbed, summary: TrainingSummary, places: Sequence[int], names: Sequence[str]
) -> list[Preferred]:
    """Return one result for each of ``places``, indices of classes or channels."""
    pixels = found.images.mul(255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    start, end = found.start.tolist(), found.end.tolist()
    return [
        Preferred(
            name=name,
            image=np.ascontiguousarray(pixels[number]),
            start=start[number],
            end=end[number],
            highest=float(summary.highest[place]),
            row=int(summary.rows[place]),
        )
        for number, (place, name) in enumerate(zip(places, names, strict=True))
    ]


def value_table(items: Sequence[Preferred], tiles: ReadableTiles) -> pd.DataFrame:
    """Return one row per image: name, start, end, highest, highest_tile (tile id), highest_label."""
    best = tiles.table.iloc[[item.row for item in items]]
    return pd.DataFrame(
        {
            "name": [item.name for item in items],
            "start": [item.start for item in items],
            "end": [item.end for item in items],
            "highest": [item.highest for item in items],
            "highest_tile": best["tile_id"].to_numpy(),
            "highest_label": best["label"].to_numpy(),
        }
    )


def step_table(names: Sequence[str], found: Climbed) -> pd.DataFrame:
    """Return one row per image and step: name, step (from 0), value."""
    seen = found.seen.cpu().numpy()
    return pd.DataFrame(
        {
            "name": np.repeat(np.array(names), len(seen)),
            "step": np.tile(np.arange(len(seen)), len(names)),
            "value": seen.T.ravel().astype(np.float64),
        }
    )


def draw_sheet(sheet: Sheet) -> Page:
    """Draw two images in a row, each with its value before and after and the tile beside it."""
    rows = -(-len(sheet.items) // _COLUMNS)
    page = Page(2 * _EDGE + _COLUMNS * _CARD + (_COLUMNS - 1) * _APART, _HEAD + rows * _ROW + _FOOT)
    page.text(_EDGE, 14, sheet.title, 17)
    words = "Left: the image that was found. Right: the training tile with the highest value."
    page.text(_EDGE, 44, words, 13, SOFT)
    for number, item in enumerate(sheet.items):
        row, column = divmod(number, _COLUMNS)
        _draw_card(page, sheet.tiles, item, (_EDGE + column * (_CARD + _APART), _HEAD + row * _ROW))
    page.paragraph((_EDGE, _HEAD + rows * _ROW + 8, page.width - 2 * _EDGE, _FOOT), sheet.legend)
    return page


def _draw_card(page: Page, tiles: ReadableTiles, item: Preferred, corner: tuple[int, int]) -> None:
    left, top = corner
    page.text(left, top + 2, item.name, 14)
    top += _TITLE
    page.picture((left, top, _SIDE, _SIDE), item.image)
    flat = "" if item.rose else " (did not rise)"
    page.text(left, top + _SIDE + 6, f"value {item.start:.3g} → {item.end:.3g}{flat}", 12, SOFT)
    right, best = left + _SIDE + _GAP, tiles.table.iloc[item.row]
    page.picture((right, top, _SIDE, _SIDE), tiles.pixels(item.row))
    said = (f"value {item.highest:.3g}", f"labelled {best['label']}", str(best["slide_id"]))
    for number, words in enumerate(said):
        page.text(right, top + _SIDE + 6 + number * 15, words, 12, SOFT)

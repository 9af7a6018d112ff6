"""The picture of the most and the least consistent channels with their top tiles."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.model_metrics._channels import TOP, TOP_ATTACKED, extremes
from tasks.model_metrics._consistency import CLEAN, KINDS, PREDICTED, TRUE
from tasks.reporting.drawing.page import SOFT, Page
from tasks.samples.measured_tiles import MeasuredTiles

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#F0E442")
"""Told apart with any colour vision: Okabe and Ito (2008), "Color universal design"."""
_EACH = 4
_SIDE, _FRAME, _GAP, _BAR = 84, 4, 7, 7
_EDGE, _HEAD, _NAMES, _FOOT = 20, 92, 72, 116
_TILES = 8
_ROW = _SIDE + _GAP + _BAR
_BLOCK = 26 + 2 * _ROW + 18
_SIDES = ("The most consistent on clean tiles, the best of each class in turn", "The least consistent")
_HALF = _NAMES + _TILES * (_SIDE + _GAP)


@dataclass(frozen=True)
class ChannelSheet:
    """What is drawn: the table of channels, their tiles, the classes predicted under attack, the budget."""

    table: pd.DataFrame
    tiles: MeasuredTiles
    predicted: NDArray[np.int64]
    eps: float

    def rows_of(self, names: list[str]) -> list[int]:
        """Return the row of each tile in the table of tiles."""
        rows = pd.Index(self.tiles.table["tile_id"])
        return [int(place) for place in rows.get_indexer(pd.Index(names))]


def draw_channels(sheet: ChannelSheet) -> Page:
    """Draw the most consistent channels on the left, the least on the right, two rows of tiles each."""
    sides = extremes(sheet.table, sheet.tiles.classes, _EACH)
    blocks = max(len(side) for side in sides)
    page = Page(3 * _EDGE + 2 * _HALF, _HEAD + blocks * _BLOCK + _FOOT)
    page.text(_EDGE, 14, "Neuron consistency: what excites a channel most", 17)
    page.text(_EDGE, 40, _layer_words(sheet), 13, SOFT)
    for number, (words, side) in enumerate(zip(_SIDES, sides, strict=True)):
        left = _EDGE + number * (_HALF + _EDGE)
        if len(side):
            page.text(left, _HEAD - 24, words, 14)
        for place, row in enumerate(side.to_dict("records")):
            _draw_channel(page, sheet, row, (left, _HEAD + place * _BLOCK))
    _draw_legend(page, sheet, _HEAD + blocks * _BLOCK)
    return page


def _draw_channel(page: Page, sheet: ChannelSheet, row: dict[Any, Any], corner: tuple[int, int]) -> None:
    left, top = corner
    page.text(left, top + 3, f"channel {row['channel']}", 13)
    page.text(left + _NAMES + 24, top + 3, _channel_words(sheet, row), 12, SOFT)
    for line, (name, column) in enumerate((("clean", TOP), ("attacked", TOP_ATTACKED))):
        down = top + 26 + line * _ROW
        page.text(left, down + _SIDE / 2 - 8, name, 12, SOFT)
        for number, place in enumerate(sheet.rows_of(list(row[column]))):
            across = left + _NAMES + number * (_SIDE + _GAP)
            _fill(page, (across, down, _SIDE, _SIDE), int(sheet.tiles.labels[place]))
            inner = _SIDE - 2 * _FRAME
            page.picture((across + _FRAME, down + _FRAME, inner, inner), sheet.tiles.pixels(place))
            if column == TOP_ATTACKED:
                _fill(page, (across, down + _SIDE + 2, _SIDE, _BAR - 1), int(sheet.predicted[place]))


def _draw_legend(page: Page, sheet: ChannelSheet, top: int) -> None:
    across = float(_EDGE)
    for place, name in enumerate(sheet.tiles.classes):
        _fill(page, (across, top + 6, 16, 16), place)
        page.text(across + 23, top + 6, name, 13)
        across += 50 + 8 * len(name)
    words = (
        "Frame: the class of the tile. Upper row: the tiles with the channel's highest scores; lower row: "
        "those with the highest when every tile is attacked (no value moved by more than "
        f"{sheet.eps * 255:.3g}/255; shown unmoved); the bar below says which class is then predicted. "
        "Purity: sum of the squared class shares among all of a channel's top tiles, of which the first are "
        "shown; chance is that of as many tiles at random. Channels that are constant are left out."
    )
    page.paragraph((_EDGE, top + 34, page.width - 2 * _EDGE, _FOOT - 40), words)


def _layer_words(sheet: ChannelSheet) -> str:
    table, count = sheet.table, len(sheet.tiles)
    live = table[table["alive"]]
    if live.empty:
        return f"All {len(table)} channels are constant over {count} tiles: there is nothing to rank."
    said = {CLEAN: "clean", TRUE: "attacked by true class", PREDICTED: "attacked by predicted class"}
    figures = [
        f"{live[kind].mean():.3f} {said[kind]} (chance {live[f'{kind}_chance'].iloc[0]:.3f})"
        for kind in KINDS
    ]
    dead = len(table) - len(live)
    return (
        f"Mean purity of {len(live)} live channels ({dead} constant) on {count} tiles: {', '.join(figures)}"
    )


def _channel_words(sheet: ChannelSheet, row: dict[Any, Any]) -> str:
    shares = {name: row[f"{CLEAN}_{name}"] for name in sheet.tiles.classes}
    name = max(shares, key=lambda each: shares[each])
    return (
        f"clean {shares[name]:.0%} {name}, purity {row[CLEAN]:.2f}; attacked {row[TRUE]:.2f} by true class, "
        f"{row[PREDICTED]:.2f} by predicted class; cosine {row['cs_true']:.2f}"
    )


def _fill(page: Page, box: tuple[float, float, float, float], place: int) -> None:
    hexed = COLOURS[place % len(COLOURS)].removeprefix("#")
    colour = np.frombuffer(bytes.fromhex(hexed), np.uint8).reshape(1, 1, 3)
    page.picture(box, colour, smooth=False)

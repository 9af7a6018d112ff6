"""The picture of some tiles of a slide with their nearest training tiles."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.exemplars._class_colours import class_colour, fill
from tasks.exemplars._neighbours import ClassifiedTiles, Neighbours
from tasks.exemplars._queries import Query
from tasks.reporting.drawing.page import SOFT, Page

_SIDE, _FRAME, _BAR, _GAP = 128, 5, 9, 14
_EDGE, _HEAD, _FOOT = 20, 96, 132
_APART = 34
"""Gap between a query and its first neighbour, with the dividing line."""
_TITLE, _CAPTION = 26, 76
_ROW = _TITLE + _SIDE + 2 + _BAR + _CAPTION
_LETTER = 6.6
"""Width of a letter of 12 pixels."""
_LEAST_WIDTH = 760


@dataclass(frozen=True)
class Strip:
    """The content: the queries of one slide, the explained class and the name of the checkpoint."""

    neighbours: Neighbours
    queries: Sequence[Query]
    slide: str
    target: int
    model_title: str


def draw_strip(strip: Strip) -> Page:
    """Draw one row per query: the query on the left, then its neighbours, the nearest first."""
    count = strip.neighbours.rows.shape[1]
    width = max(_LEAST_WIDTH, 2 * _EDGE + _SIDE + _APART + count * (_SIDE + _GAP) - _GAP)
    page = Page(width, _HEAD + len(strip.queries) * _ROW + _FOOT)
    title = f"Nearest training tiles: {strip.slide}"
    page.text(_EDGE, 14, f"{title} · {strip.model_title}" if strip.model_title else title, 17)
    page.paragraph((_EDGE, 42, width - 2 * _EDGE, 40), _slide_words(strip), 13)
    for number, query in enumerate(strip.queries):
        _draw_row(page, strip, query, _HEAD + number * _ROW)
    _draw_legend(page, strip, _HEAD + len(strip.queries) * _ROW)
    return page


def _draw_row(page: Page, strip: Strip, query: Query, top: int) -> None:
    found = strip.neighbours
    page.text(_EDGE, top + 4, _row_words(found, query), 13)
    top += _TITLE
    _draw_tile(page, found.asked, query.row, (_EDGE, top), _tile_words(found.asked, query.row, strip.target))
    across = _EDGE + _SIDE + _APART
    line = np.array([[across - _APART / 2, top], [across - _APART / 2, top + _SIDE + _BAR + 2.0]])
    page.line(line, 1.5, colour=SOFT)
    for place, cosine in zip(found.rows[query.row], found.cosines[query.row], strict=True):
        if place < 0:
            break
        slide = str(found.candidates.tiles.table["slide_id"].iloc[place])
        words = [f"cosine {cosine:.4f}", *_tile_words(found.candidates, place, strip.target), slide]
        _draw_tile(page, found.candidates, place, (across, top), words)
        across += _SIDE + _GAP
    if found.alone[query.row]:
        page.text(across, top + _SIDE / 2, "no training tile of another slide and patient", 13, SOFT)


def _draw_tile(
    page: Page, known: ClassifiedTiles, row: int, corner: tuple[int, int], words: Sequence[str]
) -> None:
    left, top = corner
    fill(page, (left, top, _SIDE, _SIDE), class_colour(int(known.labels[row])))
    inner = _SIDE - 2 * _FRAME
    page.picture((left + _FRAME, top + _FRAME, inner, inner), known.tiles.pixels(row))
    fill(page, (left, top + _SIDE + 2, _SIDE, _BAR), class_colour(int(known.predicted[row])))
    for number, line in enumerate(words):
        page.text(left, top + _SIDE + _BAR + 6 + number * 15, shortened(line), 12, SOFT)


def _draw_legend(page: Page, strip: Strip, top: int) -> None:
    known, across = strip.neighbours.asked, float(_EDGE)
    for place in (*range(len(known.classes)), -1):
        fill(page, (across, top + 6, 16, 16), class_colour(place))
        page.text(across + 23, top + 6, known.name(place), 13)
        across += 50 + 8 * len(known.name(place))
    words = (
        "Left of the line the tile that is asked about, right of it its nearest training tiles. Frame and "
        "first word: the label; bar: the class that the network predicts; p: its probability of "
        f"{known.classes[strip.target]}. Cosine: of the mean features of the last convolutional map, 1 the "
        "same direction. Training tiles of the same slide or patient are left out. Surest: the highest logit "
        "is farthest above the second; least sure: nearest to it; most wrong: misclassified, and the highest "
        "logit is farthest above that of the label."
    )
    page.paragraph((_EDGE, top + 32, page.width - 2 * _EDGE, _FOOT - 36), words)


def _slide_words(strip: Strip) -> str:
    found = strip.neighbours
    here = (found.asked.tiles.table["slide_id"] == strip.slide).to_numpy()
    known = here & ~found.alone
    count, alone = int(here.sum()), int((here & found.alone).sum())
    if not known.any():
        return (
            f"None of the {count} tiles has a training tile of another slide and patient to be compared with."
        )
    words = (
        f"Of the {found.rows.shape[1]} nearest training tiles of each of {int(known.sum())} tiles, "
        f"{found.agreement[known].mean():.0%} bear the class predicted for it (chance "
        f"{found.chance[known].mean():.0%}: their share of the training tiles that were compared)."
    )
    if alone:
        words += f" {alone} tiles have no training tile of another slide and patient."
    if not found.asked.wrong[here].any():
        words += " No labelled tile is misclassified."
    return words


def _row_words(found: Neighbours, query: Query) -> str:
    known = found.asked
    label, predicted = known.name(int(known.labels[query.row])), known.name(int(known.predicted[query.row]))
    return f"{query.rule}: labelled {label}, predicted {predicted}"


def _tile_words(known: ClassifiedTiles, row: int, target: int) -> list[str]:
    return [known.name(int(known.labels[row])), f"p = {known.probabilities[row, target]:.3f}"]


def shortened(name: str) -> str:
    """Return ``name``, shortened in the middle where it is wider than a tile."""
    most = int(_SIDE / _LETTER)
    return name if len(name) <= most else f"{name[: most // 2 - 1]}…{name[-(most // 2) :]}"

"""The sheet of leading tiles: of each model, the tiles with the highest values, and with the lowest."""

from dataclasses import dataclass

import numpy as np

from tasks.reporting.arrays import Floats, Rgb
from tasks.reporting.drawing.colour import attribution_colours
from tasks.reporting.drawing.page import SOFT, Page
from tasks.reporting.heatmaps.captions import leading_caption
from tasks.reporting.heatmaps.legend import attribution_legend, legend_height
from tasks.reporting.maps.tile_pixels import has_pixels
from tasks.reporting.maps.view import CheckpointView, SlideView

_SIDE = 128
_FRAME = 6
"""Width of the frame in the colour of the value."""
_GAP = 10
_EDGE = 18
_HEAD = 66
_NAMES = 150
_ROW = _SIDE + 2 * _FRAME + 26
_MOST_ROWS = 12


@dataclass(frozen=True)
class LeadingTiles:
    """Tiles of one map.

    Attributes:
        rows: their places in the map.
        values: their values.
        highest: how many of them, the first ones, are the highest. The others are the lowest, these last.
    """

    rows: list[int]
    values: Floats
    highest: int


def leading_page(view: SlideView) -> Page:
    """Draw the leading tiles of every model (rows), framed in the colour of their value.

    Lowest values are shown where maps have a sign: they are evidence against the class. With many models, the
    first seed of each arm is shown. Without pixels of the slide, a tile is its colour alone.
    """
    shown = _shown(view)
    leading = [leading_tiles(view, item) for item in shown]
    most = max(1, *(len(own.rows) for own in leading))
    width = max(_EDGE + _NAMES + most * (_SIDE + 2 * _FRAME + _GAP) + _EDGE, 760)
    words, foot = leading_caption(view), _HEAD + len(shown) * _ROW
    page = Page(width, foot + legend_height(width - 2 * _EDGE, words))
    page.text(_EDGE, 12, f"{view.slide_id} · {view.job.explainer} · leading tiles", 16)
    for number, (item, own) in enumerate(zip(shown, leading, strict=True)):
        _draw_row(page, view, item, own, _HEAD + number * _ROW)
    attribution_legend(page, (_EDGE, foot, width - 2 * _EDGE), view.job, view.limit, words)
    return page


def leading_tiles(view: SlideView, item: CheckpointView) -> LeadingTiles:
    """Return the tiles of highest value, then those of lowest. Ties go to the earlier tile."""
    values = item.checkpoint.attributions.maps().reshape(-1).astype(np.float64)
    order = np.argsort(-values, kind="stable")
    if not view.job.signed:
        chosen = order[: 2 * view.job.recipe.tiles_shown]
        return LeadingTiles([int(row) for row in chosen], values[chosen], len(chosen))
    count = min(view.job.recipe.tiles_shown, len(order) // 2) or len(order)
    lowest = order[len(order) - count :] if len(order) > 1 else order[:0]
    chosen = np.concatenate([order[:count], lowest])
    return LeadingTiles([int(row) for row in chosen], values[chosen], count)


def _shown(view: SlideView) -> list[CheckpointView]:
    if len(view.checkpoints) <= _MOST_ROWS:
        return list(view.checkpoints)
    first: dict[str, CheckpointView] = {}
    for item in view.checkpoints:
        first.setdefault(item.checkpoint.arm, item)
    return list(first.values())[:_MOST_ROWS]


def _draw_row(page: Page, view: SlideView, item: CheckpointView, leading: LeadingTiles, top: int) -> None:
    page.text(_EDGE, top + 4, item.checkpoint.arm, 13)
    page.text(_EDGE, top + 24, item.checkpoint.model.words.partition(", ")[2], 12, SOFT)
    if not leading.rows:
        page.text(_EDGE + _NAMES, top + 4, "no tile has a value", 12, SOFT)
    side = _SIDE + 2 * _FRAME
    for number, (row, value) in enumerate(zip(leading.rows, leading.values, strict=True)):
        left = _EDGE + _NAMES + number * (side + _GAP)
        page.picture((left, top, side, side), _colour(view, float(value)), smooth=False)
        pixels = _pixels(view, str(item.tiles["tile_id"].iloc[row]))
        if pixels is not None:
            page.picture((left + _FRAME, top + _FRAME, _SIDE, _SIDE), pixels, smooth=False)
        end = "highest" if number < leading.highest else "lowest"
        said = f"{end}: " if number in (0, leading.highest) else ""
        page.text(left, top + side + 4, f"{said}{value:.3g}", 12, SOFT)


def _colour(view: SlideView, value: float) -> Rgb:
    scaled = np.clip(np.array([[value / view.limit]]), -1.0, 1.0)
    return np.rint(255 * attribution_colours(scaled, signed=view.job.signed)).astype(np.uint8)


def _pixels(view: SlideView, tile: str) -> Rgb | None:
    tiles = view.job.tiles
    if not has_pixels(tiles):
        return None
    row = int(np.flatnonzero((tiles.table["tile_id"] == tile).to_numpy())[0])
    return np.asarray(tiles.pixels[row], dtype=np.uint8)

"""The tile sheet: tiles of highest and lowest probability, each with its maps."""

import numpy as np
from numpy.typing import NDArray
from skimage.measure import find_contours

from tasks.reporting.arrays import RawMap, Rgb
from tasks.reporting.drawing.colour import colour_limit, paint_attribution
from tasks.reporting.drawing.page import SOFT, Page
from tasks.reporting.heatmaps.captions import tile_caption
from tasks.reporting.heatmaps.legend import attribution_legend, legend_height
from tasks.reporting.maps.view import CheckpointView, SlideView

_SIDE = 144
_GAP = 8
_EDGE = 18
_HEAD = 70
_NAMES = 150
_ROW = _SIDE + 24
_FOOT = 6
_MOST_ROWS = 12


def tile_page(view: SlideView) -> Page:
    """Draw the tiles of highest and lowest target probability, averaged over all checkpoints.

    Each tile is a column. The first row shows the tissue, every other row the maps of one checkpoint at the
    resolution of the network. Their scale differs from that of slide maps, as tile pixels are not averaged
    here. With many checkpoints, the first seed of each arm is shown. Tiles without a map are never shown.
    """
    tiles, shown = extreme_tiles(view), _shown(view)
    columns = [_EDGE + _NAMES + i * (_SIDE + _GAP) for i in range(len(tiles))]
    width = max(columns[-1] + _SIDE + _EDGE, 760)
    words, foot = tile_caption(view), _HEAD + (len(shown) + 1) * _ROW + _FOOT
    page = Page(width, foot + legend_height(width - 2 * _EDGE, words))
    maps = [_maps(item, tiles) for item in shown]
    limit = view.job.scale.tile_limit if view.job.scale else colour_limit(maps, view.job.recipe.percentile)
    _draw_tissue(page, view, tiles, columns)
    for number, (item, values) in enumerate(zip(shown, maps, strict=True), start=1):
        top = _HEAD + number * _ROW
        page.text(_EDGE, top + 4, f"{item.checkpoint.arm}", 13)
        page.text(_EDGE, top + 24, item.checkpoint.model.words.partition(", ")[2], 12, SOFT)
        for left, tile, value in zip(columns, tiles, values, strict=True):
            _draw_map(page, (left, top), _painted(view, tile, value, limit), _probability(item, tile))
    attribution_legend(page, (_EDGE, foot, width - 2 * _EDGE), view.job, limit, words)
    return page


def extreme_tiles(view: SlideView) -> list[str]:
    """Return the ids of the highest tiles, then of the lowest. Ties go to the earlier tile."""
    means = np.mean([item.tile_probability for item in view.checkpoints], axis=0)
    ids = view.checkpoints[0].tiles["tile_id"].to_numpy()
    order = np.argsort(-means, kind="stable")
    count = min(view.job.recipe.tiles_shown, len(order) // 2) or 1
    chosen = [*order[:count], *order[-count:]] if len(order) > 1 else [*order]
    return [str(ids[row]) for row in chosen]


def _shown(view: SlideView) -> list[CheckpointView]:
    if len(view.checkpoints) <= _MOST_ROWS:
        return list(view.checkpoints)
    first: dict[str, CheckpointView] = {}
    for item in view.checkpoints:
        first.setdefault(item.checkpoint.arm, item)
    return list(first.values())


def _draw_tissue(page: Page, view: SlideView, tiles: list[str], columns: list[int]) -> None:
    page.text(_EDGE, 12, f"{view.slide_id} · {view.job.explainer} · tiles", 16)
    page.text(columns[0], _HEAD - 22, f"highest probability of {view.job.target_class}", 12, SOFT)
    page.text(columns[(len(tiles) + 1) // 2], _HEAD - 22, "lowest", 12, SOFT)
    page.text(_EDGE, _HEAD + 4, "tissue", 13)
    for left, tile in zip(columns, tiles, strict=True):
        frame = page.picture((left, _HEAD, _SIDE, _SIDE), _pixels(view, tile), smooth=False)
        for line in find_contours(_annotation(view, tile), 0.5):
            frame.line(line[:, ::-1] + 0.5, width=1.6, halo=1.0)
        page.text(left, _HEAD + _SIDE + 3, _label(view, tile), 12, SOFT)


def _painted(view: SlideView, tile: str, values: RawMap, limit: float) -> Rgb:
    job = view.job
    return paint_attribution(_pixels(view, tile), values, limit, job.recipe.opacity, signed=job.signed)


def _draw_map(page: Page, corner: tuple[int, int], image: Rgb, probability: float) -> None:
    left, top = corner
    page.picture((left, top, _SIDE, _SIDE), image, smooth=False)
    page.text(left, top + _SIDE + 3, f"p = {probability:.3f}", 12, SOFT)


def _row(view: SlideView, tile: str) -> int:
    return int(np.flatnonzero((view.job.tiles.table["tile_id"] == tile).to_numpy())[0])


def _pixels(view: SlideView, tile: str) -> NDArray[np.uint8]:
    return np.asarray(view.job.tiles.pixels[_row(view, tile)])


def _annotation(view: SlideView, tile: str) -> NDArray[np.float64]:
    return (np.asarray(view.job.tiles.annotation_mask[_row(view, tile)]) > 0).astype(np.float64)


def _label(view: SlideView, tile: str) -> str:
    return str(view.job.tiles.table["label"].iloc[_row(view, tile)]) or "no label"


def _map_row(item: CheckpointView, tile: str) -> int:
    return int(np.flatnonzero((item.tiles["tile_id"] == tile).to_numpy())[0])


def _maps(item: CheckpointView, tiles: list[str]) -> NDArray[np.float32]:
    rows = [_map_row(item, tile) for tile in tiles]
    attributions = item.checkpoint.attributions
    return np.concatenate([attributions.maps(slice(row, row + 1)) for row in rows])


def _probability(item: CheckpointView, tile: str) -> float:
    return float(item.tile_probability[_map_row(item, tile)])

"""All drawings of one explainer on one slide; the sheet shows every arm on one colour scale."""

from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from tasks.heatmaps.canvas import Canvas
from tasks.heatmaps.job import HeatmapJob
from tasks.heatmaps.legend import attribution_legend
from tasks.heatmaps.overlay import (
    attribution_overlay,
    attribution_page,
    draw_outlines,
    draw_scale_bar,
    drawn_values,
    probability_page,
)
from tasks.heatmaps.page import SOFT, Page
from tasks.heatmaps.tile_sheet import tile_page
from tasks.heatmaps.view import CheckpointView, SlideView, view_slide

SHEET = "sheet.png"
TILE_SHEET = "tiles.png"
INFO = "heatmap.json"

_EDGE = 18
_HEAD = 44
_TITLE = 24
_FOOT = 150
_WIDEST = 1760


class HeatmapInfo(BaseModel):
    """``heatmap.json``: where the raw maps lie on the slide, the colour limit and the slide scores."""

    model_config = ConfigDict(frozen=True)

    slide_id: str
    explainer: str
    target_class: str
    canvas: Canvas
    colour_limit: float
    percentile: float
    slide_scores: dict[str, float]


def draw_slide(job: HeatmapJob, out: Path) -> dict[str, float]:
    """Write every drawing of one explainer on one slide into ``out``.

    For each checkpoint (arm, seed): ``overlay_<arm>_s<seed>.png``, ``probability_<arm>_s<seed>.png`` and the
    raw map ``stitched_<arm>_s<seed>.npy`` (float32, NaN where no tile lies); for all together ``sheet.png``,
    ``tiles.png`` and ``heatmap.json``.

    Returns:
        ``tiles`` and ``colour_limit``.

    Raises:
        HeatmapError: a map shows other tiles or predictions than those evaluated.
    """
    view = view_slide(job)
    for item in view.checkpoints:
        name = item.checkpoint.name
        attribution_page(view, item).save(out / f"overlay_{name}.png")
        probability_page(view, item).save(out / f"probability_{name}.png")
        np.save(out / f"stitched_{name}.npy", item.stitched)
    sheet_page(view).save(out / SHEET)
    tile_page(view).save(out / TILE_SHEET)
    (out / INFO).write_text(_info(view).model_dump_json(indent=1), encoding="utf-8")
    return {"tiles": float(len(view.checkpoints[0].tiles)), "colour_limit": view.limit}


def sheet_page(view: SlideView) -> Page:
    """Draw the slide beside the maps of all arms (columns) and seeds (rows) on one scale."""
    arms = list(dict.fromkeys(item.checkpoint.arm for item in view.checkpoints))
    seeds = list(dict.fromkeys(item.checkpoint.seed for item in view.checkpoints))
    width, height = _panel_size(view, len(arms) + 1)
    beside = len(seeds) > 1 and height > _FOOT
    across = _EDGE + (len(arms) + 1) * (width + _EDGE)
    down = _HEAD + len(seeds) * (height + _TITLE + _EDGE)
    page = Page(across, down + (0 if beside else _FOOT))
    page.text(_EDGE, 12, f"{view.slide_id} · {view.job.explainer}", 16)
    _draw_slide_panel(page, view, (_EDGE, _HEAD, width, height))
    for item in view.checkpoints:
        column, row = arms.index(item.checkpoint.arm) + 1, seeds.index(item.checkpoint.seed)
        left, top = _EDGE + column * (width + _EDGE), _HEAD + row * (height + _TITLE + _EDGE)
        _draw_map_panel(page, view, item, (left, top, width, height))
    top, room = (_HEAD + height + _TITLE + _EDGE, width) if beside else (down, across - 2 * _EDGE)
    attribution_legend(page, (_EDGE, top, room, _FOOT), view.job, view.limit, drawn_values(view))
    return page


def _draw_slide_panel(page: Page, view: SlideView, box: tuple[int, int, int, int]) -> None:
    page.text(box[0], box[1], "slide", 13)
    axes = page.picture((box[0], box[1] + _TITLE, box[2], box[3]), view.thumbnail)
    draw_outlines(axes, view, 1.0)
    draw_scale_bar(axes, view)


def _draw_map_panel(
    page: Page, view: SlideView, item: CheckpointView, box: tuple[int, int, int, int]
) -> None:
    checkpoint = item.checkpoint
    page.text(box[0], box[1], f"{checkpoint.arm}, seed {checkpoint.seed}", 13)
    page.text(box[0] + box[2] - 118, box[1] + 1, f"slide score {item.score:.3f}", 12, SOFT)
    image = attribution_overlay(view, item)
    draw_outlines(page.picture((box[0], box[1] + _TITLE, box[2], box[3]), image), view, 1.0)


def _panel_size(view: SlideView, columns: int) -> tuple[int, int]:
    height, width = view.thumbnail.shape[:2]
    widest = min((_WIDEST - _EDGE) / columns - _EDGE, 620, 620 * width / height)
    shown = max(200, int(widest))
    return shown, max(1, round(shown * height / width))


def _info(view: SlideView) -> HeatmapInfo:
    job = view.job
    return HeatmapInfo(
        slide_id=view.slide_id,
        explainer=job.explainer,
        target_class=job.target_class,
        canvas=view.canvas,
        colour_limit=view.limit,
        percentile=job.recipe.percentile,
        slide_scores={item.checkpoint.name: item.score for item in view.checkpoints},
    )

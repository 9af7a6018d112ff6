"""The sheet: a slide beside the maps of every arm and seed, all on one colour scale."""

from tasks.heatmaps.legend import attribution_legend
from tasks.heatmaps.overlay import (
    attribution_overlay,
    draw_outlines,
    draw_scale_bar,
    drawn_values,
)
from tasks.heatmaps.page import SOFT, Page
from tasks.heatmaps.view import CheckpointView, SlideView

_EDGE = 18
_HEAD = 44
_TITLE = 24
_FOOT = 150
_WIDEST = 1760


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
    frame = page.picture((box[0], box[1] + _TITLE, box[2], box[3]), view.thumbnail)
    draw_outlines(frame, view)
    draw_scale_bar(frame, view)


def _draw_map_panel(
    page: Page, view: SlideView, item: CheckpointView, box: tuple[int, int, int, int]
) -> None:
    checkpoint = item.checkpoint
    page.text(box[0], box[1], f"{checkpoint.arm}, seed {checkpoint.seed}", 13)
    page.text(box[0] + box[2] - 118, box[1] + 1, f"slide score {item.score:.3f}", 12, SOFT)
    image = attribution_overlay(view, item)
    draw_outlines(page.picture((box[0], box[1] + _TITLE, box[2], box[3]), image), view)


def _panel_size(view: SlideView, columns: int) -> tuple[int, int]:
    height, width = view.thumbnail.shape[:2]
    widest = min((_WIDEST - _EDGE) / columns - _EDGE, 620, 620 * width / height)
    shown = max(200, int(widest))
    return shown, max(1, round(shown * height / width))

"""The sheet: a slide next to the maps of every arm and seed, all on one colour scale."""

from dataclasses import dataclass

from tasks.reporting.drawing.page import SOFT, Page
from tasks.reporting.heatmaps.captions import attribution_caption
from tasks.reporting.heatmaps.legend import attribution_legend, legend_height
from tasks.reporting.heatmaps.overlay import attribution_overlay, draw_outlines, draw_scale_bar
from tasks.reporting.maps.view import CheckpointView, SlideView

_EDGE = 18
_HEAD = 44
_TITLE = 40
"""Height of the two lines above a panel: arm names are long, panels may be narrow."""
_WIDEST = 1760
_MOST_COLUMNS = 6


@dataclass(frozen=True)
class SheetGrid:
    """The panel layout: slide and arms in bands of ``columns`` panels, with a row per seed in each band."""

    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    columns: int
    width: int
    height: int

    @property
    def bands(self) -> int:
        """Number of bands that the slide and the arms fill."""
        return -(-(len(self.arms) + 1) // self.columns)

    @property
    def across(self) -> int:
        """Width of the page in pixels."""
        return _EDGE + self.columns * (self.width + _EDGE)

    @property
    def down(self) -> int:
        """Height of the panels and the title in pixels."""
        return _HEAD + self.bands * len(self.seeds) * (self.height + _TITLE + _EDGE)

    def box(self, arm: str | None, seed: int) -> tuple[int, int, int, int]:
        """Return left, top, width and height of the panel of ``arm``; None is the slide."""
        position = 0 if arm is None else self.arms.index(arm) + 1
        row = position // self.columns * len(self.seeds) + self.seeds.index(seed)
        left = _EDGE + position % self.columns * (self.width + _EDGE)
        return left, _HEAD + row * (self.height + _TITLE + _EDGE), self.width, self.height


def sheet_page(view: SlideView) -> Page:
    """Draw the slide next to the maps of all arms (columns) and seeds (rows) on one scale.

    Arms that do not fit next to each other continue in a band below.
    """
    grid, words = _grid(view), attribution_caption(view)
    beside = len(grid.seeds) > 1 and grid.height > legend_height(grid.width, words)
    room = grid.width if beside else grid.across - 2 * _EDGE
    page = Page(grid.across, grid.down + (0 if beside else legend_height(room, words)))
    page.text(_EDGE, 12, f"{view.slide_id} · {view.job.explainer}", 16)
    _draw_slide_panel(page, view, grid.box(None, grid.seeds[0]))
    for item in view.checkpoints:
        _draw_map_panel(page, view, item, grid.box(item.checkpoint.arm, item.checkpoint.seed))
    top = _HEAD + grid.height + _TITLE + _EDGE if beside else grid.down
    attribution_legend(page, (_EDGE, top, room), view.job, view.limit, words)
    return page


def _grid(view: SlideView) -> SheetGrid:
    arms = tuple(dict.fromkeys(item.checkpoint.arm for item in view.checkpoints))
    seeds = tuple(dict.fromkeys(item.checkpoint.seed for item in view.checkpoints))
    bands = -(-(len(arms) + 1) // _MOST_COLUMNS)
    columns = -(-(len(arms) + 1) // bands)
    width, height = _panel_size(view, columns)
    return SheetGrid(arms, seeds, columns, width, height)


def _draw_slide_panel(page: Page, view: SlideView, box: tuple[int, int, int, int]) -> None:
    page.text(box[0], box[1], "slide", 13)
    page.text(box[0], box[1] + 17, _tiles(view), 12, SOFT)
    frame = page.picture((box[0], box[1] + _TITLE, box[2], box[3]), view.thumbnail)
    draw_outlines(frame, view)
    draw_scale_bar(frame, view)


def _tiles(view: SlideView) -> str:
    return f"{view.mapped} of {view.usable} tiles explained"


def _draw_map_panel(
    page: Page, view: SlideView, item: CheckpointView, box: tuple[int, int, int, int]
) -> None:
    page.text(box[0], box[1], item.checkpoint.model.words, 13)
    score = "no slide score" if item.score is None else f"slide score {item.score:.3f}"
    page.text(box[0], box[1] + 17, score, 12, SOFT)
    image = attribution_overlay(view, item)
    # Squares of tiles keep their edges.
    smooth = view.job.level == "tile"
    draw_outlines(page.picture((box[0], box[1] + _TITLE, box[2], box[3]), image, smooth=smooth), view)


def _panel_size(view: SlideView, columns: int) -> tuple[int, int]:
    height, width = view.thumbnail.shape[:2]
    widest = min((_WIDEST - _EDGE) / columns - _EDGE, 620, 620 * width / height)
    shown = max(200, int(widest))
    return shown, max(1, round(shown * height / width))

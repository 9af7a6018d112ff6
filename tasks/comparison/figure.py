"""``comparison.png``: the arms with intervals and control maps, drawn by how many arms there are."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg

from tasks.comparison.figure_few import draw_few
from tasks.comparison.figure_many import draw_many
from tasks.comparison.rows import Row
from tasks.comparison.summary import Summary
from tasks.comparison.wording import MOST_COLUMNS


def draw_comparison(summary: Summary, rows: list[Row], path: Path) -> None:
    """Draw few arms by colour in a panel for every score, many on an axis of their own in chosen panels."""
    draw = draw_few if len(summary.arms) <= MOST_COLUMNS else draw_many
    figure = draw(summary, rows)
    FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})

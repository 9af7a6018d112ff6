"""One overlay of one model, drawn before the colour scale of the study is known."""

from pathlib import Path

from tasks.reporting.heatmaps.overlay import attribution_page
from tasks.reporting.maps.job import HeatmapJob
from tasks.reporting.maps.view import view_slide


def draw_first_look(job: HeatmapJob, path: Path) -> None:
    """Write the map of the one checkpoint of ``job`` on its slide as a PNG; ``job`` has no common scale.

    Raises:
        HeatmapError: the map disagrees with the tiles.
        OSError: the picture cannot be written.
    """
    view = view_slide(job)
    attribution_page(view, view.checkpoints[0]).save(path)

"""All drawings of one explainer on one slide, with the raw maps and a description."""

from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from tasks.heatmaps.canvas import Canvas
from tasks.heatmaps.job import HeatmapJob
from tasks.heatmaps.overlay import attribution_page, probability_page
from tasks.heatmaps.sheet import sheet_page
from tasks.heatmaps.tile_sheet import tile_page
from tasks.heatmaps.view import SlideView, view_slide

SHEET = "sheet.png"
TILE_SHEET = "tiles.png"
INFO = "heatmap.json"


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

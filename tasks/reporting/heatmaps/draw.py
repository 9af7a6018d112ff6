"""All drawings and exports of one explainer on one slide, with a description of them."""

from functools import partial
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tasks.reporting.drawing.page import save_picture
from tasks.reporting.exports.geojson import write_geojson
from tasks.reporting.exports.ome_tiff import write_ome_tiff
from tasks.reporting.exports.slide_geojson import write_slide_geojson
from tasks.reporting.heatmaps.leading_sheet import leading_page
from tasks.reporting.heatmaps.overlay import attribution_page, probability_page
from tasks.reporting.heatmaps.sheet import sheet_page
from tasks.reporting.heatmaps.tile_sheet import tile_page
from tasks.reporting.maps.canvas import MapCanvas
from tasks.reporting.maps.job import HeatmapJob
from tasks.reporting.maps.thread_map import writers
from tasks.reporting.maps.view import CheckpointView, SlideView, view_slide

SHEET = "sheet.png"
TILE_SHEET = "tiles.png"
INFO = "heatmap.json"


class HeatmapInfo(BaseModel):
    """The content of ``heatmap.json``: position of the raw maps, colour scale and slide scores.

    Attributes:
        slide_id: id of the slide.
        explainer: id of the explainer.
        target_class: name of the explained class.
        canvas: canvas of the finest level of the OME-TIFFs, which may be padded by a few pixels of NaN.
        colour_limit: value at the end of the scale, in raw units.
        percentile: the percentile of |value| that sets it.
        scaled_over: ``study`` for the common scale, ``slide`` for a scale of this slide alone.
        usable_tiles: number of tiles that could be read.
        mapped_tiles: number of usable tiles that have a map.
        slide_scores: per model; None where only a sample of the tiles was predicted.
    """

    model_config = ConfigDict(frozen=True)

    slide_id: str
    explainer: str
    target_class: str
    canvas: MapCanvas
    colour_limit: float
    percentile: float
    scaled_over: str
    usable_tiles: int
    mapped_tiles: int
    slide_scores: dict[str, float | None]


def draw_slide(job: HeatmapJob, out: Path) -> dict[str, float]:
    """Write every drawing of one explainer on one slide into ``out``.

    Per checkpoint: ``overlay_<arm>_s<seed>.png``, ``probability_<arm>_s<seed>.png`` and the exports that the
    recipe names, ``tiles_<arm>_s<seed>.geojson.zip`` and ``map_<arm>_s<seed>.ome.tiff``. For all checkpoints
    together: ``sheet.png``, ``tiles.png`` and ``heatmap.json``. Where models were asked about the slide there
    are no probabilities of tiles.

    Returns:
        ``tiles`` and ``colour_limit``.

    Raises:
        HeatmapError: maps disagree with the evaluation in tiles or predictions.
    """
    view = view_slide(job)
    with writers() as background:
        for item in view.checkpoints:
            name = item.checkpoint.name
            background.submit(partial(_export, view, item, out))
            overlay = attribution_page(view, item).drawn()
            background.submit(partial(save_picture, overlay, out / f"overlay_{name}.png"))
            if job.level == "tile":
                probability = probability_page(view, item).drawn()
                background.submit(partial(save_picture, probability, out / f"probability_{name}.png"))
    sheet_page(view).save(out / SHEET)
    (tile_page if job.level == "tile" else leading_page)(view).save(out / TILE_SHEET)
    (out / INFO).write_text(_info(view).model_dump_json(indent=1), encoding="utf-8")
    return {"tiles": float(view.mapped), "colour_limit": view.limit}


def _export(view: SlideView, item: CheckpointView, out: Path) -> None:
    name, wanted = item.checkpoint.name, view.job.recipe.exports
    if "geojson" in wanted:
        write = write_geojson if view.job.level == "tile" else write_slide_geojson
        write(view, item, out / f"tiles_{name}.geojson.zip")
    if "ome_tiff" in wanted:
        write_ome_tiff(view, item, out / f"map_{name}.ome.tiff")


def _info(view: SlideView) -> HeatmapInfo:
    job = view.job
    return HeatmapInfo(
        slide_id=view.slide_id,
        explainer=job.explainer,
        target_class=job.target_class,
        canvas=view.canvas,
        colour_limit=view.limit,
        percentile=job.recipe.percentile,
        scaled_over="study" if job.scale else "slide",
        usable_tiles=view.usable,
        mapped_tiles=view.mapped,
        slide_scores={item.checkpoint.name: item.score for item in view.checkpoints},
    )

"""The view of a slide that all its drawings share: drawn maps, outlines and scale, checked first."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image

from tasks.reporting.arrays import Floats, RawMap, Rgb
from tasks.reporting.drawing.colour import colour_limit
from tasks.reporting.maps.canvas import MapCanvas, analysis_canvas
from tasks.reporting.maps.job import HeatmapCheckpoint, HeatmapError, HeatmapJob
from tasks.reporting.maps.outlines import Outlines, outlines_on
from tasks.reporting.maps.predicted_tiles import PredictedTiles, predicted_score, predicted_tiles
from tasks.reporting.maps.stitch import stitch
from tasks.reporting.maps.thread_map import thread_map
from tasks.reporting.maps.thumbnail_map import DrawingSurface, drawing_surface, mapped_tiles, thumbnail_map
from tasks.reporting.maps.tile_pixels import is_bare, placed_tiles, with_grey_squares
from tasks.slides.geometry import SlideGeometry
from tasks.slides.info import read_info

THUMBNAIL = "thumbnail.png"


@dataclass(frozen=True)
class CheckpointView:
    """The maps of one checkpoint.

    Attributes:
        checkpoint: the model.
        tiles: rows of the M tiles that have a map, in the order of the maps.
        tile_probability: [M], of the target class; NaN where the model was asked about the slide.
        evaluated: the tiles that have a probability; all tiles of the slide where predictions are available.
            Where the model was asked about the slide, the mapped tiles, with no probabilities.
        attribution: the drawn map on the thumbnail, smoothed, NaN outside of mapped tiles.
        probability: of the target class on the thumbnail, NaN outside of evaluated tiles.
    """

    checkpoint: HeatmapCheckpoint
    tiles: pd.DataFrame
    tile_probability: Floats
    evaluated: PredictedTiles
    attribution: RawMap
    probability: RawMap

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that belong to the maps."""
        return self.checkpoint.attributions.notes

    @property
    def score(self) -> float | None:
        """Slide score of the target class; None where only a sample of the tiles was predicted."""
        return self.evaluated.score


@dataclass(frozen=True)
class SlideView:
    """The slide and all its maps, ready to be drawn.

    ``canvas`` is the canvas of the raw maps, ``limit`` the end of the colour scale of drawn maps. All
    checkpoints have maps of the same tiles.
    """

    job: HeatmapJob
    slide_id: str
    geometry: SlideGeometry
    thumbnail: Rgb
    outlines: Outlines
    canvas: MapCanvas
    checkpoints: tuple[CheckpointView, ...]
    limit: float

    @property
    def usable(self) -> int:
        """Number of tiles that may have a map."""
        return placed_tiles(self.job.tiles)

    @property
    def mapped(self) -> int:
        """Number of tiles that have a map."""
        return len(self.checkpoints[0].tiles)


def view_slide(job: HeatmapJob) -> SlideView:
    """Stitch every map of ``job`` on the thumbnail and set the scale.

    Raises:
        HeatmapError: maps disagree with the evaluation in tiles or predictions, checkpoints have maps of
            different tiles, or the scale was made with another recipe.
    """
    info = read_info(job.tiles.folder)
    _refuse_other_scale(job)
    thumbnail = np.asarray(Image.open(job.tiles.folder / THUMBNAIL).convert("RGB"))
    surface = drawing_surface(info.geometry, job.recipe.smoothing_um)
    if is_bare(job.tiles):
        thumbnail = with_grey_squares(thumbnail, surface.canvas, job.tiles)
    views = tuple(thread_map(lambda item: _view_checkpoint(job, item, surface), job.checkpoints))
    if job.level == "tile":
        _refuse_other_tiles(views)
    side = 1 if job.level == "slide" else job.checkpoints[0].attributions.maps(slice(0, 1)).shape[-1]
    drawn = [] if job.scale else [view.attribution for view in views]
    return SlideView(
        job=job,
        slide_id=info.slide_id,
        geometry=info.geometry,
        thumbnail=thumbnail,
        outlines=outlines_on(surface.canvas, job.tiles),
        canvas=analysis_canvas(job.tiles.table, side, job.recipe.max_side_px),
        checkpoints=views,
        limit=job.scale.limit if job.scale else colour_limit(drawn, job.recipe.percentile),
    )


def _view_checkpoint(job: HeatmapJob, item: HeatmapCheckpoint, surface: DrawingSurface) -> CheckpointView:
    tiles = mapped_tiles(job.tiles, item.attributions, item.name)
    if job.level == "slide":
        return _view_slide_model(job, item, surface, tiles)
    evaluated = predicted_tiles(job, item, tiles)
    probability = evaluated.probabilities[:, job.target]
    rows = pd.Index(evaluated.tiles["tile_id"]).get_indexer(pd.Index(tiles["tile_id"]))
    return CheckpointView(
        checkpoint=item,
        tiles=tiles,
        tile_probability=probability[rows],
        evaluated=evaluated,
        attribution=thumbnail_map(surface, tiles, item.attributions),
        probability=stitch(surface.canvas, evaluated.tiles, probability[:, None, None]),
    )


def _view_slide_model(
    job: HeatmapJob, item: HeatmapCheckpoint, surface: DrawingSurface, tiles: pd.DataFrame
) -> CheckpointView:
    """Return the view of a model that was asked about the slide: values of tiles and one score."""
    return CheckpointView(
        checkpoint=item,
        tiles=tiles,
        tile_probability=np.full(len(tiles), np.nan),
        evaluated=PredictedTiles(tiles, np.empty((len(tiles), 0)), predicted_score(job, item)),
        attribution=thumbnail_map(surface, tiles, item.attributions),
        probability=np.full((surface.canvas.height, surface.canvas.width), np.nan, np.float32),
    )


def _refuse_other_tiles(views: tuple[CheckpointView, ...]) -> None:
    first = views[0]
    for view in views[1:]:
        if view.tiles["tile_id"].tolist() != first.tiles["tile_id"].tolist():
            raise HeatmapError(
                f"{view.checkpoint.name} and {first.checkpoint.name} have maps of different tiles "
                f"({len(view.tiles)} and {len(first.tiles)}), so that they cannot be compared"
            )


def _refuse_other_scale(job: HeatmapJob) -> None:
    scale = job.scale
    if scale and (scale.percentile, scale.smoothing_um) != (job.recipe.percentile, job.recipe.smoothing_um):
        raise HeatmapError(
            f"the colour scale is of percentile {scale.percentile:g} after {scale.smoothing_um:g} um of "
            f"smoothing; the drawing wants {job.recipe.percentile:g} after {job.recipe.smoothing_um:g} um"
        )

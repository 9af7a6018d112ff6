"""Everything the drawings of one slide share: stitched maps, outlines, the common scale; checked first."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image
from skimage.measure import find_contours

from tasks.artifacts.tile_set import TileSet
from tasks.functional.probabilities import softmax
from tasks.heatmaps.canvas import Canvas, analysis_canvas, thumbnail_canvas
from tasks.heatmaps.colour import Rgb, colour_limit
from tasks.heatmaps.job import HeatmapCheckpoint, HeatmapError, HeatmapJob
from tasks.heatmaps.stitch import Floats, RawMap, smoothed, stitch, stitch_attributions
from tasks.slides.geometry import SlideGeometry
from tasks.slides.info import read_info

_SAME_PROBABILITY = 1e-4
THUMBNAIL = "thumbnail.png"


@dataclass(frozen=True)
class CheckpointView:
    """One checkpoint's maps of the slide.

    ``stitched`` is raw and lies on the analysis canvas; ``attribution`` (smoothed for drawing) and
    ``probability`` lie on the thumbnail's. ``tile_probability`` [N] and ``score`` are of the target class.
    """

    checkpoint: HeatmapCheckpoint
    tiles: pd.DataFrame
    tile_probability: Floats
    score: float
    stitched: RawMap
    attribution: RawMap
    probability: RawMap


@dataclass(frozen=True)
class Outlines:
    """Lines [n, 2] of (x, y) in canvas pixels from the canvas's corner.

    ``known`` ends where the tiles end, as what lies beyond is not known; ``closed`` follows their edge.
    """

    known: tuple[Floats, ...]
    closed: tuple[Floats, ...]


@dataclass(frozen=True)
class SlideView:
    """The slide and all its maps, ready to be drawn."""

    job: HeatmapJob
    slide_id: str
    geometry: SlideGeometry
    thumbnail: Rgb
    outlines: Outlines
    canvas: Canvas
    checkpoints: tuple[CheckpointView, ...]
    limit: float


def view_slide(job: HeatmapJob) -> SlideView:
    """Stitch every map of ``job`` and set the common scale.

    Raises:
        HeatmapError: a map is of other tiles, or of other predictions, than those evaluated.
    """
    info = read_info(job.tiles.folder)
    thumbnail = np.asarray(Image.open(job.tiles.folder / THUMBNAIL).convert("RGB"))
    on_thumbnail = thumbnail_canvas(info.geometry)
    first = job.checkpoints[0].attributions.maps(slice(0, 1))
    canvas = analysis_canvas(job.tiles.table, first.shape[-1], job.recipe.max_side_px)
    ground = _Ground(canvas, on_thumbnail, _sigma(info.geometry, job.recipe.smoothing_um))
    views = tuple(_view_checkpoint(job, item, ground) for item in job.checkpoints)
    return SlideView(
        job=job,
        slide_id=info.slide_id,
        geometry=info.geometry,
        thumbnail=thumbnail,
        outlines=outlines_on(on_thumbnail, job.tiles),
        canvas=canvas,
        checkpoints=views,
        limit=colour_limit([view.attribution for view in views], job.recipe.percentile),
    )


def outlines_on(canvas: Canvas, tiles: TileSet) -> Outlines:
    """Return the outline of what was annotated, as the tiles' masks know it."""
    covered = stitch(canvas, tiles.table, tiles.annotation_mask > 0)
    # A frame of zeros closes lines at the border; +0.5 turns pixel centres into positions.
    closed = find_contours(np.pad(np.nan_to_num(covered), 1), 0.5)
    return Outlines(
        known=tuple(line[:, ::-1] + 0.5 for line in find_contours(covered, 0.5)),
        closed=tuple(line[:, ::-1] - 0.5 for line in closed),
    )


@dataclass(frozen=True)
class _Ground:
    """Where maps are laid; ``sigma`` is the smoothing of drawn maps in thumbnail pixels (rows, columns)."""

    canvas: Canvas
    thumbnail: Canvas
    sigma: tuple[float, float]


def _sigma(geometry: SlideGeometry, um: float) -> tuple[float, float]:
    x, y = geometry.level0_to_thumbnail(*geometry.um_to_level0(um, um))
    return y, x


def _view_checkpoint(job: HeatmapJob, item: HeatmapCheckpoint, ground: _Ground) -> CheckpointView:
    tiles = _tiles_of(job, item)
    probability = softmax(item.attributions.logits)[:, job.target]
    score = _checked_score(job, item, tiles, probability)
    stitched, raw = stitch_attributions((ground.canvas, ground.thumbnail), tiles, item.attributions)
    drawn = smoothed(raw, ground.sigma)
    flat = stitch(ground.thumbnail, tiles, probability[:, None, None])
    return CheckpointView(item, tiles, probability, score, stitched, drawn, flat)


def _tiles_of(job: HeatmapJob, item: HeatmapCheckpoint) -> pd.DataFrame:
    """Return the tile rows in the order of the maps."""
    table: pd.DataFrame = job.tiles.table
    rows = pd.Index(table["tile_id"]).get_indexer(pd.Index(item.attributions.index["tile_id"]))
    if (rows < 0).any():
        raise HeatmapError(
            f"{item.name}: {int((rows < 0).sum())} maps are of tiles that the slide's tile set does not hold"
        )
    return table.take(rows)


def _checked_score(
    job: HeatmapJob, item: HeatmapCheckpoint, tiles: pd.DataFrame, probability: Floats
) -> float:
    """Return the slide score of the drawn tiles, after making sure that evaluation scored the same."""
    score = job.slide_score(probability)
    if item.predictions is None:
        return score
    slide = str(tiles["slide_id"].iloc[0])
    table = item.predictions.table
    evaluated = table[table["slide_id"] == slide].set_index("tile_id")
    drawn = set(tiles["tile_id"])
    if drawn != set(evaluated.index):
        raise HeatmapError(
            f"slide {slide!r}, {item.name}: {len(drawn)} tiles are drawn but {len(evaluated)} were evaluated"
        )
    logits = evaluated.loc[tiles["tile_id"], [f"logit_{k}" for k in range(len(job.classes))]]
    expected = softmax(logits.to_numpy(dtype=np.float64))[:, job.target]
    known = job.slide_score(expected)
    worst = max(float(np.abs(probability - expected).max()), abs(score - known))
    if not worst <= _SAME_PROBABILITY:
        raise HeatmapError(
            f"slide {slide!r}, {item.name}: the heatmap's score {score:.6f} is not the evaluated {known:.6f}"
        )
    return score

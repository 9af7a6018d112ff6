"""One slide of the page: its picture, outlines, maps, scores and detailed tiles within its share of bytes."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from tasks.artifacts.tile_set import TileSet
from tasks.reporting.maps.canvas import thumbnail_canvas
from tasks.reporting.maps.stitch import Floats
from tasks.reporting.review.budget import Allowance, SlideBudget, as_json
from tasks.reporting.review.codes import packed_text, packed_words, range_codes
from tasks.reporting.review.details import slide_details
from tasks.reporting.review.job import ReviewJob
from tasks.reporting.review.layers import SlideLayers
from tasks.reporting.review.outlines import slide_outlines
from tasks.reporting.review.pictures import slide_picture
from tasks.reporting.review.predictions import slide_scores, tile_probabilities
from tasks.reporting.review.scores import ReviewedScores, faithful_order, packed_tile_scores
from tasks.slides.info import SlideInfo, read_info

_LEVELS = 65535
_COLUMNS = ("x_level0", "y_level0", "extent_level0")


def slide_data(
    scores: ReviewedScores,
    slide: str,
    limits: tuple[tuple[float, float], ...],
    share: SlideBudget,
    advance: Callable[[int], None],
) -> dict[str, Any]:
    """Return everything the page holds of ``slide``.

    Args:
        scores: the study's scores, with its job.
        slide: its id.
        limits: for each explainer the ends of the colour scales of slide maps and of tiles.
        share: the bytes it may take; what one part leaves of its own goes to the next.
        advance: told of every map that was drawn.
    """
    job, tiles = scores.job, scores.job.slides[slide]
    info = read_info(tiles.folder)
    probabilities = tile_probabilities(job, slide)
    values = scores.by_tile(slide, pd.Index(tiles.table["tile_id"].astype(str)))
    controls = {e for e, explainer in enumerate(job.explainers) if explainer.is_control}
    orders = faithful_order(values, scores.named, controls)
    layers = SlideLayers(job, tiles, info, tuple(limit for limit, _ in limits), probabilities)
    room = Allowance()
    found: dict[str, Any] = room.spend(share.rest, _facts(scores, info, probabilities))
    own = room.of(share.outlines)
    found["outlines"] = room.spend(
        share.outlines, slide_outlines(thumbnail_canvas(info.geometry), tiles, own)
    )
    found["picture"] = room.spend(
        share.picture, slide_picture(tiles, info.geometry, room.of(share.picture)).as_dict()
    )
    found["scores"] = room.spend(share.scores, packed_tile_scores(values, room.of(share.scores)))
    found["layers"] = room.spend(share.maps, layers.packed(room.of(share.maps), advance))
    tile_limits = [limit for _, limit in limits]
    found["details"] = slide_details(job, slide, orders, tile_limits, room.of(share.details))
    return found


def tile_table(tiles: TileSet) -> dict[str, Any]:
    """Return the tiles' places in level-0 pixels, labels and sections, and which could not be read."""
    table = tiles.table
    ids = table["tile_id"].astype(str).tolist()
    labels = table["label"].astype(str)
    names = sorted(set(labels))
    return {
        "ids": ids,
        **{name[0]: [round(float(value), 2) for value in table[name]] for name in _COLUMNS},
        "labels": names,
        "label": [names.index(label) for label in labels],
        "section": [int(section) for section in table["section"]],
        "failed": [row for row, state in enumerate(table["state"]) if state != "ok"],
    }


def _facts(scores: ReviewedScores, info: SlideInfo, probabilities: dict[int, Floats]) -> dict[str, Any]:
    job, slide = scores.job, info.slide_id
    return {
        "size": [info.geometry.width_level0, info.geometry.height_level0],
        "um": info.geometry.mpp,
        "tiles": packed_text(as_json(tile_table(job.slides[slide]))),
        "probabilities": {p: packed_words(range_codes(v, 0, 1, _LEVELS)) for p, v in probabilities.items()},
        "slide_scores": slide_scores(job, slide),
        "records": scores.records(slide),
        "missing": _missing(job, slide),
    }


def _missing(job: ReviewJob, slide: str) -> list[list[Any]]:
    """Return [model, explainer, why] of every map that is not there."""
    return [
        [p, e, job.why_no_map(model, explainer.id, slide)]
        for p, model in enumerate(job.models)
        for e, explainer in enumerate(job.explainers)
        if (model, explainer.id, slide) not in job.maps
    ]

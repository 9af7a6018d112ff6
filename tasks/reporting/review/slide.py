"""One slide of the page: picture, outlines, maps, scores and single tiles within a budget of bytes."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from tasks.artifacts.tile_set import TileSet
from tasks.reporting.arrays import Floats
from tasks.reporting.maps.canvas import thumbnail_canvas
from tasks.reporting.maps.tile_pixels import placed_tiles
from tasks.reporting.review.budget import Allowance, SlideBudget, as_json
from tasks.reporting.review.codes import packed_text, packed_words, range_codes
from tasks.reporting.review.details import slide_details
from tasks.reporting.review.explained import explained_tiles
from tasks.reporting.review.job import ReviewJob
from tasks.reporting.review.layers import SlideLayers
from tasks.reporting.review.outlines import slide_outlines
from tasks.reporting.review.pictures import slide_picture
from tasks.reporting.review.predictions import slide_label, slide_scores, tile_probabilities
from tasks.reporting.review.scores import ReviewedScores, faithful_order, packed_tile_scores
from tasks.slides.info import SlideInfo, read_info

_LEVELS = 65535
_COLUMNS = ("x_level0", "y_level0", "extent_level0")


def slide_data(
    scores: ReviewedScores,
    slide: str,
    limits: tuple[tuple[float, float], ...],
    budget: SlideBudget,
    advance: Callable[[int], None],
) -> dict[str, Any]:
    """Return the data of ``slide``.

    Args:
        scores: scores of the study, with its job.
        slide: id of the slide.
        limits: per explainer, the ends of the colour scales of slide maps and of single tiles.
        budget: bytes of the slide. Bytes that one part leaves unused go to the next.
        advance: called with 1 after every drawn map.
    """
    job = scores.job.of_slide(slide)
    tiles = job.slides[slide]
    info = read_info(tiles.folder)
    canvas, probabilities = thumbnail_canvas(info.geometry), tile_probabilities(job, slide)
    values = scores.by_tile(slide, pd.Index(tiles.table["tile_id"].astype(str)))
    layers = SlideLayers(job, tiles, info, tuple(limit for limit, _ in limits), probabilities)
    allowance = Allowance()
    data: dict[str, Any] = allowance.spend(budget.rest, _facts(job, scores, info, probabilities))
    parts: dict[str, tuple[int, Callable[[int], Any]]] = {
        "outlines": (budget.outlines, lambda most: slide_outlines(canvas, tiles, most)),
        "picture": (budget.picture, lambda most: slide_picture(tiles, info.geometry, most).as_dict()),
        "scores": (budget.scores, lambda most: packed_tile_scores(values, most)),
        "layers": (budget.maps, lambda most: layers.packed(most, advance)),
    }
    for name, (planned, make) in parts.items():
        data[name] = allowance.spend(planned, make(allowance.available(planned)))
    controls = {e for e, explainer in enumerate(job.explainers) if explainer.is_control}
    orders = faithful_order(values, scores.named, controls)
    tile_limits = [limit for _, limit in limits]
    data["details"] = slide_details(job, slide, orders, tile_limits, allowance.available(budget.details))
    return data


def tile_table(tiles: TileSet, labelled: bool) -> dict[str, Any]:
    """Return positions (level-0 pixels), labels and sections of the tiles, and which tiles failed.

    Without ``labelled`` no tile has a label: those that are stored are the slide's.
    """
    table = tiles.table
    ids = table["tile_id"].astype(str).tolist()
    labels = table["label"].astype(str) if labelled else pd.Series([""] * len(table))
    names = sorted(set(labels))
    return {
        "ids": ids,
        **{name[0]: [round(float(value), 2) for value in table[name]] for name in _COLUMNS},
        "labels": names,
        "label": [names.index(label) for label in labels],
        "section": [int(section) for section in table["section"]],
        "failed": [row for row, state in enumerate(table["state"]) if state != "ok"],
    }


def _facts(
    job: ReviewJob, scores: ReviewedScores, info: SlideInfo, probabilities: dict[int, Floats]
) -> dict[str, Any]:
    slide = info.slide_id
    labelled = not (job.level == "slide" and info.weak_labels)
    return {
        "size": [info.geometry.width_level0, info.geometry.height_level0],
        "um": info.geometry.mpp,
        "tiles": packed_text(as_json(tile_table(job.slides[slide], labelled))),
        "probabilities": {m: packed_words(range_codes(v, 0, 1, _LEVELS)) for m, v in probabilities.items()},
        "slide_scores": slide_scores(job, slide),
        "label": slide_label(job, slide),
        "records": scores.records(slide),
        "missing": _missing(job, slide),
        "explained": _explained(job, slide),
        "mapped": explained_tiles(job, slide),
        "origin": [info.geometry.bounds_x, info.geometry.bounds_y],
    }


def _explained(job: ReviewJob, slide: str) -> list[int]:
    """Return how many tiles of the slide have maps, and how many could be read."""
    counts = (len(maps.index) for (_, _, of_slide), maps in job.maps.items() if of_slide == slide)
    return [next(counts, 0), placed_tiles(job.slides[slide])]


def _missing(job: ReviewJob, slide: str) -> list[list[Any]]:
    """Return [model, explainer, reason] for every missing map."""
    return [
        [m, e, job.why_no_map(model, explainer.id, slide)]
        for m, model in enumerate(job.models)
        for e, explainer in enumerate(job.explainers)
        if (model, explainer.id, slide) not in job.maps
    ]

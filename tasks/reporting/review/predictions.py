"""What the models say of tiles and slides, as evaluation knows it."""

from typing import Any

import numpy as np
import pandas as pd

from tasks.artifacts.key import ModelKey
from tasks.functional.probabilities import softmax
from tasks.reporting.maps.stitch import Floats
from tasks.reporting.review.job import ReviewJob


def tile_probabilities(job: ReviewJob, slide: str) -> dict[int, Floats]:
    """Return {model: [N] target probability of every tile of ``slide``}, NaN where a tile was not evaluated.

    A model without predictions has what its model said when it was explained, or is left out.
    """
    ids = job.slides[slide].table["tile_id"].astype(str)
    found: dict[int, Floats] = {}
    for p, model in enumerate(job.models):
        known = _evaluated(job, model, slide)
        if known is None:
            known = _explained(job, model, slide)
        if known is not None:
            found[p] = np.asarray(known.reindex(ids), dtype=np.float64)
    return found


def slide_scores(job: ReviewJob, slide: str) -> list[float | None]:
    """Return the slide score of each model; None where the slide was not evaluated."""
    known = [_evaluated(job, model, slide) for model in job.models]
    return [
        None if own is None else round(job.slide_score(np.asarray(own, dtype=np.float64)), 4) for own in known
    ]


def accuracies(job: ReviewJob) -> list[dict[str, Any]]:
    """Return for each model how many labelled tiles it calls right, by slide: {slide: [right, labelled]}."""
    return [_right(job, model) for model in job.models]


def _right(job: ReviewJob, model: ModelKey) -> dict[str, Any]:
    predictions = job.predictions.get(model)
    if predictions is None:
        return {}
    table = predictions.table[predictions.table["label"].isin(job.classes)]
    called = np.array(job.classes)[table[_logits(job)].to_numpy(dtype=np.float64).argmax(axis=1)]
    right = pd.Series(called == table["label"].to_numpy(), index=table["slide_id"].astype(str))
    counts = right.groupby(level=0).agg(["sum", "count"])
    return {str(slide): [int(row["sum"]), int(row["count"])] for slide, row in counts.iterrows()}


def _evaluated(job: ReviewJob, model: ModelKey, slide: str) -> "pd.Series[float] | None":
    """Return the target probabilities of the evaluated tiles of ``slide`` by tile id."""
    predictions = job.predictions.get(model)
    if predictions is None:
        return None
    table = predictions.table[predictions.table["slide_id"] == slide]
    if not len(table):
        return None
    probabilities = softmax(table[_logits(job)].to_numpy(dtype=np.float64))[:, job.target]
    return pd.Series(probabilities, index=table["tile_id"].astype(str))


def _explained(job: ReviewJob, model: ModelKey, slide: str) -> "pd.Series[float] | None":
    """Return the same as the maps hold it."""
    sets = (job.maps.get((model, explainer.id, slide)) for explainer in job.explainers)
    maps = next((maps for maps in sets if maps is not None and len(maps.index)), None)
    if maps is None:
        return None
    return pd.Series(softmax(maps.logits)[:, job.target], index=maps.index["tile_id"].astype(str))


def _logits(job: ReviewJob) -> list[str]:
    return [f"logit_{k}" for k in range(len(job.classes))]

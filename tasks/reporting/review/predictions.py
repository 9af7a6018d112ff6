"""Predictions on the page: tile probabilities, slide scores and accuracies, as evaluated."""

from typing import Any

import numpy as np
import pandas as pd

from tasks.artifacts.key import ModelKey
from tasks.functional.probabilities import softmax
from tasks.reporting.arrays import Floats
from tasks.reporting.review.job import ReviewJob


def tile_probabilities(job: ReviewJob, slide: str) -> dict[int, Floats]:
    """Return {index of a model: [N] target probabilities of ``slide``}, NaN for tiles not evaluated.

    Without predictions, the probabilities stored with the maps are used. A model without both is left out.
    """
    ids = job.slides[slide].table["tile_id"].astype(str)
    probabilities: dict[int, Floats] = {}
    for m, model in enumerate(job.models):
        by_tile = _evaluated(job, model, slide)
        if by_tile is None:
            by_tile = _explained(job, model, slide)
        if by_tile is not None:
            probabilities[m] = np.asarray(by_tile.reindex(ids), dtype=np.float64)
    return probabilities


def slide_scores(job: ReviewJob, slide: str) -> list[float | None]:
    """Return the slide score of each model; None where the slide was not evaluated."""
    return [_slide_score(job, model, slide) for model in job.models]


def slide_label(job: ReviewJob, slide: str) -> str:
    """Return the label of the slide as it was evaluated; empty where no model was evaluated on it."""
    for predictions in job.predictions.values():
        own = predictions.slides[predictions.slides["slide_id"] == slide]
        if len(own):
            return str(own["label"].iloc[0])
    return ""


def accuracies(job: ReviewJob) -> list[dict[str, Any]]:
    """Return per model {slide: [correct, labelled]}, the numbers of tiles."""
    return [_right(job, model) for model in job.models]


def _slide_score(job: ReviewJob, model: ModelKey, slide: str) -> float | None:
    predictions = job.predictions.get(model)
    if predictions is None:
        return None
    own = predictions.slides[predictions.slides["slide_id"] == slide]
    return round(float(own[f"score_{job.target}"].iloc[0]), 4) if len(own) else None


def _right(job: ReviewJob, model: ModelKey) -> dict[str, Any]:
    predictions = job.predictions.get(model)
    if predictions is None:
        return {}
    table = predictions.table
    if not len(table):
        return {}
    table = table[table["label"].isin(job.classes)]
    called = np.array(job.classes)[table[_logits(job)].to_numpy(dtype=np.float64).argmax(axis=1)]
    right = pd.Series(called == table["label"].to_numpy(), index=table["slide_id"].astype(str))
    counts = right.groupby(level=0).agg(["sum", "count"])
    return {str(slide): [int(row["sum"]), int(row["count"])] for slide, row in counts.iterrows()}


def _evaluated(job: ReviewJob, model: ModelKey, slide: str) -> "pd.Series[float] | None":
    """Return the target probabilities of the evaluated tiles of ``slide`` by tile id."""
    predictions = job.predictions.get(model)
    if predictions is None:
        return None
    table = predictions.of_slide(slide)
    if not len(table):
        return None
    probabilities = softmax(table[_logits(job)].to_numpy(dtype=np.float64))[:, job.target]
    return pd.Series(probabilities, index=table["tile_id"].astype(str))


def _explained(job: ReviewJob, model: ModelKey, slide: str) -> "pd.Series[float] | None":
    """Return the same probabilities as stored with the maps; those of a blind control hold none."""
    sets = (job.maps.get((model, explainer.id, slide)) for explainer in job.explainers)
    maps = next((maps for maps in sets if maps is not None and maps.logits.size), None)
    if maps is None:
        return None
    return pd.Series(softmax(maps.logits)[:, job.target], index=maps.index["tile_id"].astype(str))


def _logits(job: ReviewJob) -> list[str]:
    return [f"logit_{k}" for k in range(len(job.classes))]

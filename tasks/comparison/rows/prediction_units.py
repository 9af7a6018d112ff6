"""The tiles and slides on which predictions are judged, with their labels and probabilities.

At tile level, tiles with the label of a class count. Mixed and unlabelled tiles do not. At slide level, a
slide is positive if any of its tiles is mixed or has the target label. It is negative if all its labelled
tiles have other labels. A slide without labelled tiles does not count. Where models are asked about slides,
the label of a slide is that of the manifest.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.predictions import Predictions
from tasks.artifacts.tile_set import MIXED
from tasks.functional.probabilities import softmax

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PredictionUnits:
    """N tiles or slides with labels.

    Attributes:
        unit_rows: one row per unit with patient_id, slide_id and section.
        truth: [N], index of the true class.
        probability: [N, K], the predicted probabilities.
        target: index of the target class.
    """

    unit_rows: pd.DataFrame
    truth: NDArray[np.intp]
    probability: Floats
    target: int


def probabilities_of(table: pd.DataFrame, classes: int) -> Floats:
    """Return the softmax [N, K] of the logits in a prediction table."""
    logits = table[[f"logit_{k}" for k in range(classes)]].to_numpy(dtype=np.float64)
    return softmax(logits)


def tile_units(predictions: Predictions, classes: tuple[str, ...], target: int) -> PredictionUnits:
    """Return the tiles that have the label of a class; none where the model was asked about slides."""
    table = predictions.table
    kept = table["label"].isin(classes).to_numpy()
    names = {name: index for index, name in enumerate(classes)}
    truth = np.asarray(table["label"][kept].map(names), dtype=np.intp)
    unit_rows = table.loc[kept, ["patient_id", "slide_id", "section"]].reset_index(drop=True)
    # Of a slide model the table is empty and has no logits.
    probability = probabilities_of(table, len(classes))[kept] if len(table) else np.empty((0, len(classes)))
    return PredictionUnits(unit_rows, truth, probability, target)


def slide_units(predictions: Predictions, classes: tuple[str, ...], target: int) -> PredictionUnits:
    """Return the slides that have a label, with two classes: 1 is the target class, 0 all others."""
    scored = predictions.slide_scores(target)
    tiles = predictions.table
    # Without tiles, the model was asked about slides, which have one label each.
    labelled = tiles if len(tiles) else predictions.slides
    truth = labelled.groupby("slide_id", sort=True)["label"].agg(
        lambda labels: _slide_truth(set(labels), classes, target)
    )
    table = scored.assign(truth=truth.reindex(scored["slide_id"]).to_numpy())
    table = table[table["truth"] >= 0].reset_index(drop=True)
    probability = np.stack([1 - table["score"], table["score"]], axis=1)
    unit_rows = table[["patient_id", "slide_id"]].assign(section=0)
    return PredictionUnits(unit_rows, np.asarray(table["truth"], dtype=np.intp), probability, 1)


def _slide_truth(labels: set[str], classes: tuple[str, ...], target: int) -> int:
    if labels & {classes[target], MIXED}:
        return 1
    return 0 if labels & set(classes) else -1

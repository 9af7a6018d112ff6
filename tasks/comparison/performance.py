"""How well a checkpoint predicts, at tile and at slide level.

Tiles with the label of a class count at tile level; mixed and unlabelled tiles do not. At slide level a
slide is positive where any of its tiles is labelled with the target class or is mixed, negative where
all labelled tiles have another class, and does not count where no tile has a label.
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
class Units:
    """N predictions to judge: ``places`` (patient_id, slide_id, section), truth [N], probability [N, K]."""

    places: pd.DataFrame
    truth: NDArray[np.intp]
    probability: Floats
    target: int


def probabilities_of(table: pd.DataFrame, classes: int) -> Floats:
    """Return the softmax [N, K] of the logits of a prediction table."""
    logits = table[[f"logit_{k}" for k in range(classes)]].to_numpy(dtype=np.float64)
    return softmax(logits)


def tile_units(predictions: Predictions, classes: tuple[str, ...], target: int) -> Units:
    """Return the tiles that carry the label of a class."""
    table = predictions.table
    kept = table["label"].isin(classes).to_numpy()
    names = {name: index for index, name in enumerate(classes)}
    truth = np.asarray(table["label"][kept].map(names), dtype=np.intp)
    places = table.loc[kept, ["patient_id", "slide_id", "section"]].reset_index(drop=True)
    return Units(places, truth, probabilities_of(table, len(classes))[kept], target)


def slide_units(predictions: Predictions, classes: tuple[str, ...], target: int) -> Units:
    """Return the slides that have a label, target against the rest: class 1 is the target."""
    scored = predictions.slide_scores(target)
    truth = predictions.table.groupby("slide_id", sort=True)["label"].agg(
        lambda labels: _slide_truth(set(labels), classes, target)
    )
    table = scored.assign(truth=truth.reindex(scored["slide_id"]).to_numpy())
    table = table[table["truth"] >= 0].reset_index(drop=True)
    probability = np.stack([1 - table["score"], table["score"]], axis=1)
    places = table[["patient_id", "slide_id"]].assign(section=0)
    return Units(places, np.asarray(table["truth"], dtype=np.intp), probability, 1)


def _slide_truth(labels: set[str], classes: tuple[str, ...], target: int) -> int:
    if labels & {classes[target], MIXED}:
        return 1
    return 0 if labels & set(classes) else -1

"""Which probabilities a heatmap shows: those of the evaluated tiles, and the maps must agree with them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tasks.artifacts.predictions import Predictions
from tasks.functional.probabilities import softmax
from tasks.reporting.maps.job import HeatmapCheckpoint, HeatmapError, HeatmapJob
from tasks.reporting.maps.stitch import Floats

_SAME_PROBABILITY = 1e-4


@dataclass(frozen=True)
class PredictedTiles:
    """The tiles of one slide that one model predicted.

    Attributes:
        tiles: their rows of the tile table, N.
        probabilities: [N, K] by class.
        score: the slide score of the target class; None where only a sample of the tiles was predicted.
    """

    tiles: pd.DataFrame
    probabilities: Floats
    score: float | None


def predicted_tiles(job: HeatmapJob, item: HeatmapCheckpoint, mapped: pd.DataFrame) -> PredictedTiles:
    """Return the tiles of a slide with the probabilities and the slide score that evaluation gave them.

    Maps may be of a sample of the tiles, predictions are of all. Without predictions the probabilities are
    those of the clean pass that was made with the maps.

    Args:
        job: the slide, its classes and the rule of its score.
        item: the model, its maps and, where they are in hand, its predictions.
        mapped: the rows of the tile table that have a map, in the order of the maps.

    Raises:
        HeatmapError: the evaluated tiles are not those of the slide, a map is of none of them, or a map was
            made by a model that predicts otherwise.
    """
    usable = job.tiles.table.iloc[job.tiles.usable]
    own = softmax(item.attributions.logits)
    if item.predictions is None:
        whole = len(mapped) == len(usable)
        return PredictedTiles(mapped, own, job.slide_score(own[:, job.target]) if whole else None)
    where = f"slide {str(usable['slide_id'].iloc[0])!r}, {item.name}"
    evaluated = _evaluated(item.predictions, usable, len(job.classes), where)
    rows = pd.Index(usable["tile_id"]).get_indexer(pd.Index(mapped["tile_id"]))
    if (rows < 0).any():
        raise HeatmapError(f"{where}: {int((rows < 0).sum())} maps are of tiles that were not evaluated")
    drawn = evaluated[:, job.target].copy()
    drawn[rows] = own[:, job.target]
    score = job.slide_score(evaluated[:, job.target])
    found = job.slide_score(drawn)
    if (
        not max(float(np.abs(drawn - evaluated[:, job.target]).max()), abs(found - score))
        <= _SAME_PROBABILITY
    ):
        raise HeatmapError(f"{where}: the heatmap's score {found:.6f} is not the evaluated {score:.6f}")
    return PredictedTiles(usable, evaluated, score)


def _evaluated(predictions: Predictions, usable: pd.DataFrame, classes: int, where: str) -> Floats:
    """Return the evaluated probabilities [N, K] of ``usable``, in its order."""
    table = predictions.table
    own = table[table["slide_id"] == str(usable["slide_id"].iloc[0])].set_index("tile_id")
    if set(own.index) != set(usable["tile_id"]):
        raise HeatmapError(f"{where}: the {len(own)} evaluated tiles are not the slide's {len(usable)}")
    logits = own.loc[usable["tile_id"], [f"logit_{k}" for k in range(classes)]]
    return softmax(logits.to_numpy(dtype=np.float64))

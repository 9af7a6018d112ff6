"""The probabilities that a heatmap shows: those of the evaluation, checked against those of the maps."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tasks.artifacts.predictions import Predictions
from tasks.functional.probabilities import softmax
from tasks.reporting.arrays import Floats
from tasks.reporting.maps.job import HeatmapCheckpoint, HeatmapError, HeatmapJob

_SAME_PROBABILITY = 1e-4


@dataclass(frozen=True)
class PredictedTiles:
    """The tiles of one slide that one model predicted.

    Attributes:
        tiles: their N rows of the tile table.
        probabilities: [N, K], per class.
        score: slide score of the target class; None where only a sample of the tiles was predicted.
    """

    tiles: pd.DataFrame
    probabilities: Floats
    score: float | None


def predicted_tiles(job: HeatmapJob, item: HeatmapCheckpoint, mapped: pd.DataFrame) -> PredictedTiles:
    """Return the predicted tiles of a slide with their probabilities and the slide score.

    Maps may cover a sample of the tiles, predictions cover all. Without predictions, the probabilities are
    those computed together with the maps. The maps of a blind control have none, so nothing is checked.

    Args:
        job: the slide, its classes and the rule of its score.
        item: the model, its maps and, where available, its predictions.
        mapped: the rows of the tile table that have a map, in the order of the maps.

    Raises:
        HeatmapError: the evaluated tiles are not the tiles of the slide, a mapped tile was not evaluated,
            maps and evaluation disagree about a probability, or there are no probabilities at all.
    """
    usable = job.tiles.table.iloc[job.tiles.usable]
    logits = item.attributions.logits
    own = softmax(logits) if logits.shape[1] else None
    if item.predictions is None:
        if own is None:
            raise HeatmapError(f"{item.name}: maps of a blind control are drawn with predictions only")
        whole = len(mapped) == len(usable)
        return PredictedTiles(mapped, own, job.slide_score(own[:, job.target]) if whole else None)
    where = f"slide {str(usable['slide_id'].iloc[0])!r}, {item.name}"
    evaluated = _evaluated(item.predictions, usable, len(job.classes), where)
    rows = pd.Index(usable["tile_id"]).get_indexer(pd.Index(mapped["tile_id"]))
    if (rows < 0).any():
        raise HeatmapError(f"{where}: {int((rows < 0).sum())} maps are of tiles that were not evaluated")
    expected = evaluated[:, job.target]
    if own is not None:
        drawn = expected.copy()
        drawn[rows] = own[:, job.target]
        _refuse_other_predictions(job, drawn, expected, where)
    return PredictedTiles(usable, evaluated, job.slide_score(expected))


def predicted_score(job: HeatmapJob, item: HeatmapCheckpoint) -> float | None:
    """Return the score that a model gave the whole slide; None without predictions.

    Raises:
        HeatmapError: the slide was not evaluated.
    """
    if item.predictions is None:
        return None
    slide = str(job.tiles.table["slide_id"].iloc[0])
    own = item.predictions.slides
    own = own[own["slide_id"] == slide]
    if not len(own):
        raise HeatmapError(f"slide {slide!r}, {item.name}: it was explained and not evaluated")
    return float(own[f"score_{job.target}"].iloc[0])


def _refuse_other_predictions(job: HeatmapJob, drawn: Floats, evaluated: Floats, where: str) -> None:
    score, drawn_score = job.slide_score(evaluated), job.slide_score(drawn)
    furthest = max(float(np.abs(drawn - evaluated).max()), abs(drawn_score - score))
    # Not ">": a NaN must be refused too.
    if not furthest <= _SAME_PROBABILITY:
        raise HeatmapError(f"{where}: the heatmap's score {drawn_score:.6f} is not the evaluated {score:.6f}")


def _evaluated(predictions: Predictions, usable: pd.DataFrame, classes: int, where: str) -> Floats:
    """Return the evaluated probabilities [N, K] of the ``usable`` tiles, in their order."""
    table = predictions.table
    own = table[table["slide_id"] == str(usable["slide_id"].iloc[0])].set_index("tile_id")
    if set(own.index) != set(usable["tile_id"]):
        raise HeatmapError(f"{where}: the {len(own)} evaluated tiles are not the slide's {len(usable)}")
    logits = own.loc[usable["tile_id"], [f"logit_{k}" for k in range(classes)]]
    return softmax(logits.to_numpy(dtype=np.float64))

"""The tiles that score lowest and highest: where to look first. No patient is named."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.faithfulness_report import MODEL
from tasks.comparison.rows.aligned_scores import AlignedScores

MOST = 5
"""So many tiles of either end; fewer where there are not twice as many, so that no tile is both."""
_COLUMNS = ["arm", "explainer", "metric", "score", "end", "rank", "tile_id", "slide_id", "value"]


def extreme_tiles(scored: Iterable[AlignedScores]) -> pd.DataFrame:
    """Return the worst and the best tiles of every arm, explainer and score that has a direction.

    Columns: arm, explainer, metric, score, ``end`` (``worst`` or ``best``), ``rank`` from 1 at the very end,
    tile_id, slide_id and the ``value``, the mean over seeds. Tiles without a value are left out, equal values
    stand by tile id. Controls and scores of sections or networks have no lines.
    """
    rows = [row for item in scored if _is_of_tiles(item) for row in _rows(item)]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _is_of_tiles(item: AlignedScores) -> bool:
    return item.unit == "tile" and item.direction != "none"


def _rows(item: AlignedScores) -> Iterator[tuple[object, ...]]:
    for arm, explainer in item.pairs:
        if explainer in item.controls or explainer == MODEL:
            continue
        means = _over_seeds(item.block(arm, explainer, item.seeds(arm, explainer)))
        known = np.flatnonzero(np.isfinite(means))
        worst_first = 1 if item.direction == "higher" else -1
        for end, sign in (("worst", worst_first), ("best", -worst_first)):
            order = known[np.argsort(sign * means[known], kind="stable")]
            for rank, tile in enumerate(order[: min(MOST, len(known) // 2)], start=1):
                place = item.places.iloc[tile]
                what = (arm, explainer, item.metric, item.score, end, rank)
                yield (*what, place["unit_id"], place["slide_id"], float(means[tile]))


def _over_seeds(block: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean [N] of [S, N] over the seeds that have a value; NaN where none has."""
    known = np.isfinite(block)
    count = known.sum(axis=0)
    total = np.where(known, block, 0.0).sum(axis=0)
    means: NDArray[np.float64] = np.divide(total, count, out=np.full(block.shape[1], np.nan), where=count > 0)
    return means

"""The tiles with the lowest and the highest scores: where to look first. No patient is named."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.faithfulness_report import MODEL
from tasks.comparison.rows.aligned_scores import AlignedScores

MOST = 5
"""At most this many tiles per end, and at most half of all tiles, so that no tile is at both ends."""
_COLUMNS = ["arm", "explainer", "metric", "score", "end", "rank", "tile_id", "slide_id", "value"]


def extreme_tiles(scored: Iterable[AlignedScores]) -> pd.DataFrame:
    """Return the worst and the best tiles of each arm, explainer and score with a direction.

    Columns: arm, explainer, metric, score, ``end`` (``worst`` or ``best``), ``rank`` (1 is the most extreme),
    tile_id, slide_id and ``value``, the mean over seeds. Tiles without a value are left out. Equal values are
    sorted by tile id. Controls and scores of sections or networks have no lines.
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
                place = item.unit_rows.iloc[tile]
                what = (arm, explainer, item.metric, item.score, end, rank)
                yield (*what, place["unit_id"], place["slide_id"], float(means[tile]))


def _over_seeds(block: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean [N] of [S, N] over the seeds with a value. NaN if no seed has one."""
    known = np.isfinite(block)
    count = known.sum(axis=0)
    total = np.where(known, block, 0.0).sum(axis=0)
    means: NDArray[np.float64] = np.divide(total, count, out=np.full(block.shape[1], np.nan), where=count > 0)
    return means

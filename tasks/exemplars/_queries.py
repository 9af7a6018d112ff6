"""The choice of queries: the surest, the least sure and the most wrong tiles of a slide."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SUREST, LEAST_SURE, MOST_WRONG = "surest", "least sure", "most wrong"


@dataclass(frozen=True)
class Query:
    """A tile by its row, and the rule that chose it, such as ``surest`` or ``2nd surest``."""

    row: int
    rule: str


def choose_queries(logits: NDArray[np.float64], labels: NDArray[np.int64], count: int) -> list[Query]:
    """Return at most ``count`` of N tiles, in the order in which they are chosen.

    The rules take turns. Surest is the tile whose highest logit is farthest above the second, least sure
    the one where it is nearest; probabilities would tie where they round to 1. Most wrong is the
    misclassified tile whose highest logit is farthest above that of its label. No tile is chosen twice, ties
    go to the earlier tile, and a rule without a tile left is skipped.

    Args:
        logits: [N, K].
        labels: [N], class indices, -1 for no class: such a tile cannot be wrong.
        count: how many.
    """
    turns = _orders(logits, labels)
    chosen: dict[int, Query] = {}
    for number in range(1, count + 1):
        for rule, order in turns.items():
            row = next((row for row in order if row not in chosen), None)
            if row is not None and len(chosen) < count:
                chosen[row] = Query(row, rule if number == 1 else f"{_ordinal(number)} {rule}")
    return list(chosen.values())


def is_wrong(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return bool [N]: labelled tiles that are predicted to be of another class."""
    wrong: NDArray[np.bool_] = (labels >= 0) & (logits.argmax(1) != labels)
    return wrong


def _orders(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> dict[str, list[int]]:
    ranked = np.sort(logits, axis=1)
    gap = ranked[:, -1] - ranked[:, -2]
    wrong = np.flatnonzero(is_wrong(logits, labels))
    error = ranked[wrong, -1] - logits[wrong, labels[wrong]]
    return {
        SUREST: np.argsort(-gap, kind="stable").tolist(),
        LEAST_SURE: np.argsort(gap, kind="stable").tolist(),
        MOST_WRONG: wrong[np.argsort(-error, kind="stable")].tolist(),
    }


def _ordinal(number: int) -> str:
    return str(number) + {2: "nd", 3: "rd"}.get(number, "th")

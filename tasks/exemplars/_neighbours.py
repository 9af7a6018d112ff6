"""Queries and their neighbours, as arrays and as tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import softmax

from tasks.exemplars._queries import Query, choose_queries, is_wrong
from tasks.samples.readable_tiles import ReadableTiles

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class ClassifiedTiles:
    """N tiles and the network's outputs for them: ``logits`` [N, K], classes in the order of the logits."""

    tiles: ReadableTiles
    logits: Floats
    classes: tuple[str, ...]

    @cached_property
    def labels(self) -> Indices:
        """[N], class indices, -1 where the label is no class."""
        return self.tiles.label_indices(self.classes)

    @cached_property
    def predicted(self) -> Indices:
        """[N], class indices."""
        best: Indices = self.logits.argmax(1)
        return best

    @cached_property
    def probabilities(self) -> Floats:
        """[N, K], the softmax of the logits."""
        found: Floats = softmax(self.logits, axis=1)
        return found

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """[N], the misclassified labelled tiles."""
        return is_wrong(self.logits, self.labels)

    def name(self, place: int) -> str:
        """Return the name of a class, ``no class`` for -1."""
        return self.classes[place] if place >= 0 else "no class"

    def queries(self, count: int) -> Mapping[str, list[Query]]:
        """Return {slide: at most ``count`` queries}, rows being those of all tiles."""
        rows_of = self.tiles.table.groupby("slide_id", sort=False).indices
        found = {}
        for slide, rows in rows_of.items():
            chosen = choose_queries(self.logits[rows], self.labels[rows], count)
            found[str(slide)] = [Query(int(rows[query.row]), query.rule) for query in chosen]
        return found


@dataclass(frozen=True)
class Neighbours:
    """The neighbours of Q asked tiles among N candidates.

    Attributes:
        asked: the explained tiles.
        candidates: the training tiles.
        rows: [Q, count], rows of candidates, the nearest first, -1 where there are too few.
        cosines: [Q, count], NaN where there are too few.
        admitted: [Q, K], how many candidates of each class a query had.
    """

    asked: ClassifiedTiles
    candidates: ClassifiedTiles
    rows: Indices
    cosines: Floats
    admitted: Indices

    @cached_property
    def alone(self) -> NDArray[np.bool_]:
        """[Q], queries without any candidate."""
        return self.rows[:, 0] < 0

    @cached_property
    def agreement(self) -> Floats:
        """[Q], the share of a query's neighbours that have its predicted class; NaN without neighbours."""
        known = self.rows >= 0
        same = known & (self.candidates.labels[self.rows] == self.asked.predicted[:, None])
        return _ratio(same.sum(1), known.sum(1))

    @cached_property
    def chance(self) -> Floats:
        """[Q], the share of a query's candidates that have its predicted class; NaN without candidates."""
        own = np.take_along_axis(self.admitted, self.asked.predicted[:, None], axis=1)[:, 0]
        return _ratio(own, self.admitted.sum(1))


def neighbour_table(found: Neighbours, queries: Mapping[str, list[Query]]) -> pd.DataFrame:
    """Return one row per shown query and neighbour, the nearest first.

    Columns: slide_id, rule, query (tile id), query_label, query_predicted, rank (from 1), neighbour (tile
    id), neighbour_slide_id, cosine, neighbour_label, neighbour_predicted; ``query_p_<class>`` and
    ``neighbour_p_<class>``. A query without candidates has no row.
    """
    asked = [query for chosen in queries.values() for query in chosen]
    pairs = [(query, rank) for query in asked for rank in np.flatnonzero(found.rows[query.row] >= 0)]
    rows = np.array([query.row for query, _ in pairs], dtype=np.int64)
    ranks = np.array([rank for _, rank in pairs], dtype=np.int64)
    places = found.rows[rows, ranks]
    query, neighbour = _columns(found.asked, rows), _columns(found.candidates, places)
    return pd.DataFrame(
        {
            "slide_id": query.pop("slide_id"),
            "rule": [query.rule for query, _ in pairs],
            "query": query.pop("tile_id"),
            "rank": ranks + 1,
            "neighbour": neighbour.pop("tile_id"),
            "cosine": found.cosines[rows, ranks],
            **{f"query_{name}": values for name, values in query.items()},
            **{f"neighbour_{name}": values for name, values in neighbour.items()},
        }
    )


def slide_table(found: Neighbours) -> pd.DataFrame:
    """Return one row per explained slide, over all its tiles.

    Columns: slide_id, tiles, without_candidates, wrong (misclassified labelled tiles), agreement (mean share
    of neighbours with the predicted class) and chance; both NaN where no tile has a candidate.
    """
    table = pd.DataFrame(
        {
            "slide_id": found.asked.tiles.table["slide_id"],
            "tiles": 1,
            "without_candidates": found.alone.astype(np.int64),
            "wrong": found.asked.wrong.astype(np.int64),
            "agreement": found.agreement,
            "chance": found.chance,
        }
    )
    how = {"tiles": "sum", "without_candidates": "sum", "wrong": "sum", "agreement": "mean", "chance": "mean"}
    return table.groupby("slide_id", sort=False).agg(how).reset_index()


def _columns(known: ClassifiedTiles, rows: Indices) -> dict[str, object]:
    table = known.tiles.table.iloc[rows]
    return {
        "slide_id": table["slide_id"].to_numpy(),
        "tile_id": table["tile_id"].to_numpy(),
        "label": table["label"].to_numpy(),
        "predicted": np.array(known.classes)[known.predicted[rows]],
        **{f"p_{name}": known.probabilities[rows, place] for place, name in enumerate(known.classes)},
    }


def _ratio(part: Indices, whole: Indices) -> Floats:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)

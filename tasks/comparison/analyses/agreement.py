"""Agreement of metrics: how similarly two scores rank the maps of all explainers, controls included.

Maps are ranked within one arm, seed and tile, because maps of different networks are not comparable. Each
score is first turned so that higher is better. Scores without a direction are left out. Two scores without a
common tile (removal on tumour tiles, rank accuracy on crossing tiles) are compared by their section means.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.faithfulness_report import MODEL
from tasks.comparison.rows.aligned_scores import AlignedScores
from tasks.statistics.agreement import Agreement, Block, rank_agreement
from tasks.statistics.clusters import Clusters, choose_clusters

Floats = NDArray[np.float64]
UNITS, SECTIONS = "units", "section means"
"""What the maps are ranked on: single units, or the means of sections."""
_SECTION = ["patient_id", "slide_id", "section"]
_COLUMNS = (
    "one", "other", "same_metric", "tau", "low", "high", "ranked_on", "taus", "clusters", "note",
)  # fmt: skip


@dataclass(frozen=True)
class MetricAgreement:
    """How similarly scores rank maps.

    Attributes:
        table: one row per pair of scores that rank the same maps. Columns: ``one`` and ``other``
            (``<metric>.<score>``), ``same_metric``, the mean ``tau`` with its bounds ``low`` and ``high``,
            ``ranked_on``, the number of ``taus`` in the mean and of ``clusters``, and the ``note`` on these.
        scores: all scores with a direction for which an arm has at least two maps.
        without_direction: the scores that are left out.
    """

    table: pd.DataFrame
    scores: tuple[str, ...] = ()
    without_direction: tuple[str, ...] = ()


def metric_agreement(scored: Iterable[AlignedScores], level: float) -> MetricAgreement:
    """Compare every two scores of maps that have a direction."""
    maps = [item for item in scored if all(explainer != MODEL for _, explainer in item.pairs)]
    ranked = [item for item in maps if item.direction != "none" and _can_rank(item)]
    names = tuple(_name(item) for item in ranked)
    left_out = tuple(_name(item) for item in maps if item.direction == "none")
    rows = list(_rows(ranked, level)) if len(ranked) > 1 else []
    return MetricAgreement(pd.DataFrame(rows, columns=list(_COLUMNS)), names, left_out)


def _rows(ranked: Sequence[AlignedScores], level: float) -> Iterator[tuple[object, ...]]:
    units = pd.concat([item.unit_rows for item in ranked]).drop_duplicates("unit_id").reset_index(drop=True)
    groups = units.groupby(_SECTION, sort=False, dropna=False).ngroup()
    sections: NDArray[np.int64] = groups.to_numpy().astype(np.int64)
    pieces = units.drop_duplicates(_SECTION).reset_index(drop=True)
    seeds = sorted({seed for item in ranked for _, _, seed in item.values})
    clusters = {UNITS: choose_clusters(units), SECTIONS: choose_clusters(pieces)}
    found: dict[str, Agreement] = {
        UNITS: rank_agreement(_blocks(ranked, units, seeds), len(seeds), clusters[UNITS], level)
    }
    if not found[UNITS].taus.all():
        means = ((seed, _means(values, sections)) for seed, values in _blocks(ranked, units, seeds))
        found[SECTIONS] = rank_agreement(means, len(seeds), clusters[SECTIONS], level)
    for one, other in combinations(range(len(ranked)), 2):
        on = UNITS if found[UNITS].taus[one, other] else SECTIONS
        pair = found[on]
        if pair.taus[one, other]:
            names = (_name(ranked[one]), _name(ranked[other]), ranked[one].metric == ranked[other].metric)
            figures = (pair.tau[one, other], pair.low[one, other], pair.high[one, other], on)
            count = int(pair.clusters[one, other])
            yield (*names, *figures, pair.taus[one, other], count, _note(clusters[on], count))


def _note(clusters: Clusters, count: int) -> str:
    """Return what a pair is clustered by. A score with fewer units may have fewer clusters."""
    return clusters.note if count in (0, clusters.count) else f"clustered by {clusters.level} ({count})"


def _blocks(ranked: Sequence[AlignedScores], units: pd.DataFrame, seeds: list[int]) -> Iterator[Block]:
    """Yield for each arm and seed its index of the seed and the scores [N, M, E], higher is better.

    N units, M scores, E explainers. NaN if a map has no score.
    """
    explainers = list(dict.fromkeys(explainer for item in ranked for _, explainer in item.pairs))
    index = pd.Index(units["unit_id"])
    rows = [index.get_indexer(pd.Index(item.unit_rows["unit_id"])) for item in ranked]
    places = dict.fromkeys((arm, seed) for item in ranked for arm, _, seed in item.values)
    for arm, seed in places:
        values = np.full((len(units), len(ranked), len(explainers)), np.nan)
        for m, item in enumerate(ranked):
            sign = -1.0 if item.direction == "lower" else 1.0
            for e, explainer in enumerate(explainers):
                if (arm, explainer, seed) in item.values:
                    values[rows[m], m, e] = sign * item.values[arm, explainer, seed]
        yield seeds.index(seed), values


def _means(values: Floats, sections: NDArray[np.int64]) -> Floats:
    """Return the means [P, M, E] over the units of each of P sections. NaN if none has a score."""
    known = np.isfinite(values)
    sums, counts = (np.zeros((int(sections.max()) + 1, *values.shape[1:])) for _ in range(2))
    np.add.at(sums, sections, np.where(known, values, 0.0))
    np.add.at(counts, sections, known)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def _can_rank(item: AlignedScores) -> bool:
    """Return whether any arm has at least two maps to rank."""
    arms = [arm for arm, _ in item.pairs]
    return len(arms) > len(set(arms))


def _name(item: AlignedScores) -> str:
    return f"{item.metric}.{item.score}"

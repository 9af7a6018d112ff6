"""Which metrics agree: how alike two scores rank the maps of all explainers, controls too.

Maps are ranked within one arm, seed and tile: networks differ in how they answer, maps of one network can be
set side by side. Every score is turned so that higher is better first; one without a direction says of no map
that it is better, and is left out. Two scores that have no tile in common (removal on tumour tiles, rank
accuracy on crossing ones) are compared by their means in each section.
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
from tasks.statistics.bootstrap import BootstrapSettings
from tasks.statistics.clusters import Clusters, choose_clusters

Floats = NDArray[np.float64]
UNITS, SECTIONS = "units", "section means"
"""What two scores are ranked on."""
_SECTION = ["patient_id", "slide_id", "section"]
_COLUMNS = (
    "one", "other", "same_metric", "tau", "low", "high", "ranked_on", "taus", "clusters", "note",
)  # fmt: skip


@dataclass(frozen=True)
class MetricAgreement:
    """How alike scores rank maps.

    Attributes:
        table: a row for every two scores that rank the same maps anywhere: ``one`` and ``other``
            (``<metric>.<score>``), whether they are of the ``same_metric``, the mean ``tau`` with ``low`` and
            ``high``, on what it is ``ranked_on``, the number of ``taus`` it is the mean of and of
            ``clusters``, and the ``note`` on these.
        scores: all scores with a direction that two maps or more have.
        without_direction: those that are left out.
    """

    table: pd.DataFrame
    scores: tuple[str, ...] = ()
    without_direction: tuple[str, ...] = ()


def metric_agreement(scored: Iterable[AlignedScores], settings: BootstrapSettings) -> MetricAgreement:
    """Set every score of a map that has a direction against every other."""
    maps = [item for item in scored if all(explainer != MODEL for _, explainer in item.pairs)]
    judged = [item for item in maps if item.direction != "none" and _has_company(item)]
    names = tuple(_name(item) for item in judged)
    left_out = tuple(_name(item) for item in maps if item.direction == "none")
    rows = list(_rows(judged, settings)) if len(judged) > 1 else []
    return MetricAgreement(pd.DataFrame(rows, columns=list(_COLUMNS)), names, left_out)


def _rows(judged: Sequence[AlignedScores], settings: BootstrapSettings) -> Iterator[tuple[object, ...]]:
    units = pd.concat([item.places for item in judged]).drop_duplicates("unit_id").reset_index(drop=True)
    groups = units.groupby(_SECTION, sort=False, dropna=False).ngroup()
    sections: NDArray[np.int64] = groups.to_numpy().astype(np.int64)
    pieces = units.drop_duplicates(_SECTION).reset_index(drop=True)
    seeds = sorted({seed for item in judged for _, _, seed in item.values})
    clusters = {UNITS: choose_clusters(units), SECTIONS: choose_clusters(pieces)}
    found: dict[str, Agreement] = {
        UNITS: rank_agreement(_blocks(judged, units, seeds), len(seeds), clusters[UNITS], settings)
    }
    if not found[UNITS].taus.all():
        means = ((seed, _means(values, sections)) for seed, values in _blocks(judged, units, seeds))
        found[SECTIONS] = rank_agreement(means, len(seeds), clusters[SECTIONS], settings)
    for one, other in combinations(range(len(judged)), 2):
        on = UNITS if found[UNITS].taus[one, other] else SECTIONS
        pair = found[on]
        if pair.taus[one, other]:
            names = (_name(judged[one]), _name(judged[other]), judged[one].metric == judged[other].metric)
            figures = (pair.tau[one, other], pair.low[one, other], pair.high[one, other], on)
            count = int(pair.clusters[one, other])
            yield (*names, *figures, pair.taus[one, other], count, _note(clusters[on], count))


def _note(clusters: Clusters, count: int) -> str:
    """Say what a pair is clustered by: where one score is of fewer units, these may be of fewer clusters."""
    return clusters.note if count in (0, clusters.count) else f"clustered by {clusters.level} ({count})"


def _blocks(judged: Sequence[AlignedScores], units: pd.DataFrame, seeds: list[int]) -> Iterator[Block]:
    """Yield of every arm and seed the scores [N, M, E], higher better; NaN where a map has none."""
    explainers = list(dict.fromkeys(explainer for item in judged for _, explainer in item.pairs))
    index = pd.Index(units["unit_id"])
    rows = [index.get_indexer(pd.Index(item.places["unit_id"])) for item in judged]
    places = dict.fromkeys((arm, seed) for item in judged for arm, _, seed in item.values)
    for arm, seed in places:
        values = np.full((len(units), len(judged), len(explainers)), np.nan)
        for m, item in enumerate(judged):
            sign = -1.0 if item.direction == "lower" else 1.0
            for e, explainer in enumerate(explainers):
                if (arm, explainer, seed) in item.values:
                    values[rows[m], m, e] = sign * item.values[arm, explainer, seed]
        yield seeds.index(seed), values


def _means(values: Floats, sections: NDArray[np.int64]) -> Floats:
    """Return the means [P, M, E] over the units of each of P sections; NaN where none is scored."""
    known = np.isfinite(values)
    sums, counts = (np.zeros((int(sections.max()) + 1, *values.shape[1:])) for _ in range(2))
    np.add.at(sums, sections, np.where(known, values, 0.0))
    np.add.at(counts, sections, known)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def _has_company(item: AlignedScores) -> bool:
    """Say whether any arm has two maps or more to rank."""
    arms = [arm for arm, _ in item.pairs]
    return len(arms) > len(set(arms))


def _name(item: AlignedScores) -> str:
    return f"{item.metric}.{item.score}"

"""The scores of one slide's maps: means with their intervals, and the score of every tile."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.faithfulness_report import Rivals, ScoreInfo
from tasks.reporting.review.budget import LISTED
from tasks.reporting.review.codes import packed, packed_words, range_codes
from tasks.reporting.review.job import ReviewJob
from tasks.statistics.bootstrap import BootstrapSettings, mean_interval
from tasks.statistics.clusters import Clusters, choose_clusters

Floats = NDArray[np.float64]
_TILE = "tile"
_DIGITS = 5
_WORD, _BYTE = 65535, 255
_ENTRY = 48
"""Bytes of an entry besides its text."""


@dataclass(frozen=True)
class NamedScore:
    """One score of one metric, as all reports of the study name it.

    ``unit`` is what is scored, ``rivals`` which controls are to be beaten by it.
    """

    metric: str
    info: ScoreInfo
    unit: str
    rivals: Rivals = "all"

    @property
    def of_tiles(self) -> bool:
        """Say whether tiles can be told apart by it: most and least faithful."""
        return self.unit == _TILE and self.info.direction != "none"


class ReviewedScores:
    """Every report of a study, cut by slide: read once, asked often."""

    def __init__(self, job: ReviewJob) -> None:
        self.job = job
        self.named = tuple(_named_scores(job))
        self._parts: dict[tuple[int, int, int, str], pd.DataFrame] = {}
        self._known: dict[tuple[str, ...], Clusters] = {}
        models = {model: i for i, model in enumerate(job.models)}
        explainers = {explainer.id: i for i, explainer in enumerate(job.explainers)}
        names = {(named.metric, named.info.name): i for i, named in enumerate(self.named)}
        for (model, explainer, metric), report in job.reports.items():
            if model in models and explainer in explainers:
                for (score, slide), part in report.scores.groupby(["score", "slide_id"], sort=False):
                    key = (models[model], explainers[explainer], names[metric, str(score)], str(slide))
                    self._parts[key] = part

    def part(self, model: int, explainer: int, score: int, slide: str) -> pd.DataFrame | None:
        """Return the units of one slide that have a score, in long form; None where there is none."""
        part = self._parts.get((model, explainer, score, slide))
        known = None if part is None else part[part["value"].notna()]
        return None if known is None or not len(known) else known

    def by_tile(self, slide: str, ids: pd.Index) -> dict[tuple[int, int, int], Floats]:
        """Return {(model, explainer, score): [N] in the order of ``ids``, NaN where there is none}."""
        found = {}
        # Sorted, as sums over maps must not depend on the order in which reports came in.
        for model, explainer, score, own in sorted(self._parts):
            part = self.part(model, explainer, score, own) if own == slide else None
            if part is not None and self.named[score].unit == _TILE:
                values = np.full(len(ids), np.nan)
                rows = ids.get_indexer(pd.Index(part["unit_id"]))
                values[rows[rows >= 0]] = part["value"].to_numpy(dtype=np.float64)[rows >= 0]
                found[model, explainer, score] = values
        return found

    def records(self, slide: str) -> dict[str, Any]:
        """Return ``notes`` and ``of``: [model][explainer][score], each a record or None.

        A record is [mean, low, high, units, note, mean chance]; ``note`` counts in ``notes``, and bounds
        are None where there is no interval.
        """
        notes: dict[str, int] = {}
        of = [
            [
                [self._record((p, e, s), slide, notes) for s in range(len(self.named))]
                for e in range(len(self.job.explainers))
            ]
            for p in range(len(self.job.models))
        ]
        return {"notes": list(notes), "of": of}

    def _record(self, key: tuple[int, int, int], slide: str, notes: dict[str, int]) -> list[Any] | None:
        part = self.part(*key, slide)
        if part is None:
            return None
        mean, low, high, note = interval_within(part, self._clusters(part), self.job.bootstrap)
        chance = part["chance"].to_numpy(dtype=np.float64)
        known = chance[np.isfinite(chance)]
        position = notes.setdefault(note, len(notes))
        figures = [_short(mean), _short(low), _short(high), len(part), position]
        return [*figures, _short(float(known.mean()) if len(known) else float("nan"))]

    def _clusters(self, units: pd.DataFrame) -> Clusters:
        """Return the clusters of ``units``; most maps are scored on the same ones."""
        key = tuple(units["unit_id"])
        if key not in self._known:
            self._known[key] = choose_clusters(units)
        return self._known[key]


def interval_within(
    units: pd.DataFrame, clusters: Clusters, settings: BootstrapSettings
) -> tuple[float, float, float, str]:
    """Return mean, low and high of the scored ``units`` of one slide, and the sentence on their clusters."""
    values = units["value"].to_numpy(dtype=np.float64)
    if clusters.level is None:
        return float(values.mean()), float("nan"), float("nan"), clusters.note
    found = mean_interval(values, clusters.codes, settings)
    return found.estimate, found.low, found.high, clusters.note


def packed_tile_scores(values: Mapping[tuple[int, int, int], Floats], room: int) -> dict[str, Any]:
    """Return the tile scores ``values`` as text: of all tiles in 16 bits, in 8, or of the listed ones in 8.

    ``of`` is a list of [model, explainer, score, low, high, text]: code 1 is low, the last code is high.
    """
    found: dict[str, Any] = {}
    for levels, kept, which in (
        (_WORD, values, "all"),
        (_BYTE, values, "all"),
        (_BYTE, _listed(values), "listed"),
    ):
        of = [[*key, *_coded(own, levels)] for key, own in kept.items()]
        found = {"levels": levels, "kept": which, "listed": LISTED, "of": of}
        if sum(len(str(entry[-1])) + _ENTRY for entry in of) <= room:
            break
    return found


def _coded(values: Floats, levels: int) -> tuple[float, float, str]:
    """Return the least and the greatest of ``values`` as the page will read them, and all as text."""
    low, high = _held(float(np.nanmin(values))), _held(float(np.nanmax(values)))
    codes = range_codes(values, low, high, levels)
    return low, high, packed_words(codes) if levels > _BYTE else packed(codes.astype(np.uint8))


def _listed(values: Mapping[tuple[int, int, int], Floats]) -> dict[tuple[int, int, int], Floats]:
    """Return ``values`` with all but the highest and the lowest of each made NaN."""
    kept = {}
    for key, own in values.items():
        order = np.argsort(own, kind="stable")[: int(np.isfinite(own).sum())]
        few = np.full(len(own), np.nan)
        ends = [*order[:LISTED], *order[-LISTED:]]
        few[ends] = own[ends]
        kept[key] = few
    return kept


def _named_scores(job: ReviewJob) -> Iterator[NamedScore]:
    for metric in job.metrics:
        named: dict[str, NamedScore] = {}
        for report in job.reports_of(metric):
            units = report.scores.groupby("score", sort=False)["unit"].first()
            for info in report.info.scores:
                unit = str(units.get(info.name, _TILE))
                named.setdefault(info.name, NamedScore(metric, info, unit, report.info.rivals))
        yield from named.values()


def _held(value: float) -> float:
    """Return ``value`` as the page will read it."""
    return float(f"{value:.{_DIGITS}g}")


def _short(value: float) -> float | None:
    """Return ``value`` with five digits; None for NaN, which JSON does not know."""
    return None if np.isnan(value) else _held(value)


def faithful_order(
    values: Mapping[tuple[int, int, int], Floats], named: Sequence[NamedScore], controls: set[int]
) -> list[NDArray[np.intp]]:
    """Return for each score that ranks tiles the rows it scored, most faithful first, by all maps' mean.

    Maps of explainers in ``controls`` do not count.
    """
    orders = []
    for s, score in enumerate(named):
        own = [v for (_, e, i), v in values.items() if i == s and e not in controls]
        if not score.of_tiles or not own:
            continue
        stack = np.stack(own)
        counted = np.isfinite(stack).sum(axis=0)
        means = np.nansum(stack, axis=0) / np.maximum(counted, 1)
        order = np.argsort(-means if score.info.direction == "higher" else means, kind="stable")
        orders.append(order[counted[order] > 0])
    return orders

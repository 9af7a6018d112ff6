"""The rows on faithfulness: every arm, explainer and score, against the reference arm and the controls."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.comparison.job import ComparedReport, ComparisonJob
from tasks.comparison.rows import Row, better
from tasks.statistics.bootstrap import BootstrapSettings, Interval, mean_interval
from tasks.statistics.clusters import Clusters, choose_clusters
from tasks.statistics.paired import PairedDifference, paired_difference

_NAN = float("nan")
_PLACES = ["unit_id", "patient_id", "slide_id", "section"]


@dataclass(frozen=True)
class Scored:
    """One score of one metric for all arms, explainers and seeds, on the same N units.

    ``values`` has N columns and one row for each (arm, explainer, seed); NaN where a unit was not scored.
    """

    metric: str
    score: str
    direction: str
    values: pd.DataFrame
    controls: tuple[str, ...]
    clusters: Clusters
    settings: BootstrapSettings

    def seeds(self, arm: str, explainer: str) -> tuple[int, ...]:
        """Return the seeds with a report."""
        return tuple(s for a, e, s in self.values.index if (a, e) == (arm, explainer))

    def block(self, arm: str, explainer: str, seeds: tuple[int, ...]) -> NDArray[np.float64]:
        """Return float64 [S, N]."""
        rows = [(arm, explainer, seed) for seed in seeds]
        return self.values.loc[rows].to_numpy(dtype=np.float64)


def faithfulness_rows(job: ComparisonJob, settings: BootstrapSettings) -> list[Row]:
    """Return the rows of kind faithfulness, difference and against_control."""
    rows: list[Row] = []
    for scored in scores_of(job, settings):
        pairs = list(dict.fromkeys((a, e) for a, e, _ in scored.values.index))
        means = {pair: _mean_row(scored, *pair) for pair in pairs}
        rows += [_flagged(row, means) for row in means.values()]
        rows += [_difference(scored, job.reference_arm, *pair) for pair in _comparable(job, scored, pairs)]
        rows += [
            _against_control(scored, arm, explainer, control)
            for arm, explainer in pairs
            if explainer not in scored.controls
            for control in scored.controls
            if (arm, control) in means
        ]
    return rows


def scores_of(job: ComparisonJob, settings: BootstrapSettings) -> Iterator[Scored]:
    """Yield every named score of every metric, in the order of the reports."""
    for metric in dict.fromkeys(item.metric for item in job.reports):
        items = [item for item in job.reports if item.metric == metric]
        controls = tuple(dict.fromkeys(item.explainer for item in items if item.is_control))
        for info in items[0].report.info.scores:
            values, places = _values(items, info.name, job.arms)
            if len(places):
                yield Scored(
                    metric=metric,
                    score=info.name,
                    direction=info.direction,
                    values=values,
                    controls=controls,
                    clusters=choose_clusters(places),
                    settings=settings,
                )


def _values(
    items: list[ComparedReport], score: str, arms: tuple[str, ...]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the values by (arm, explainer, seed) and unit, and the places of the units, in one order."""
    series: dict[tuple[str, str, int], pd.Series] = {}
    places: list[pd.DataFrame] = []
    for item in sorted(items, key=lambda item: (arms.index(item.arm), item.is_control)):
        part = item.report.scores
        part = part[(part["score"] == score) & part["value"].notna()]
        series[item.arm, item.explainer, item.seed] = part.set_index("unit_id")["value"]
        places.append(part[_PLACES])
    units = pd.concat(places).drop_duplicates("unit_id").sort_values("unit_id", kind="stable")
    values = pd.DataFrame({key: one.reindex(units["unit_id"]) for key, one in series.items()}).T
    return values, units.reset_index(drop=True)


def _comparable(job: ComparisonJob, scored: Scored, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the (arm, explainer) that can be set against the reference arm; controls are no claims."""
    return [
        (arm, explainer)
        for arm, explainer in pairs
        if arm != job.reference_arm
        and explainer not in scored.controls
        and (job.reference_arm, explainer) in pairs
    ]


def _mean_row(scored: Scored, arm: str, explainer: str) -> Row:
    seeds = scored.seeds(arm, explainer)
    block = scored.block(arm, explainer, seeds)
    known = np.isfinite(block)
    found = Interval(float(np.mean(block[known])) if known.any() else _NAN, _NAN, _NAN, _NAN)
    if scored.clusters.level is not None and known.any():
        found = mean_interval(block, scored.clusters.codes, scored.settings)
    return replace(
        _blank(scored, arm, explainer),
        kind="faithfulness",
        value=found.estimate,
        low=found.low,
        high=found.high,
        seeds=len(seeds),
        units=int(known.sum()),
    )


def _difference(scored: Scored, reference: str, arm: str, explainer: str) -> Row:
    """Return ``arm`` less ``reference`` for one explainer."""
    other = scored.seeds(reference, explainer)
    seeds = tuple(seed for seed in scored.seeds(arm, explainer) if seed in other)
    blank = replace(
        _blank(scored, arm, explainer), kind="difference", family="faithfulness", against=reference
    )
    return _paired(
        scored, blank, scored.block(arm, explainer, seeds), scored.block(reference, explainer, seeds)
    )


def _against_control(scored: Scored, arm: str, explainer: str, control: str) -> Row:
    """Return ``explainer`` less ``control`` for one arm."""
    other = scored.seeds(arm, control)
    seeds = tuple(seed for seed in scored.seeds(arm, explainer) if seed in other)
    blank = replace(_blank(scored, arm, explainer), kind="against_control", against=control)
    return _paired(scored, blank, scored.block(arm, explainer, seeds), scored.block(arm, control, seeds))


def _paired(scored: Scored, blank: Row, one: NDArray[np.float64], other: NDArray[np.float64]) -> Row:
    known = np.isfinite(one) & np.isfinite(other)
    if not known.any():
        return blank
    blank = replace(blank, value=float((one - other)[known].mean()), seeds=len(one), units=int(known.sum()))
    if scored.clusters.level is None:
        return blank
    return _with_test(blank, paired_difference(one, other, scored.clusters.codes, scored.settings))


def _with_test(row: Row, found: PairedDifference) -> Row:
    return replace(
        row,
        value=found.interval.estimate,
        low=found.interval.low,
        high=found.interval.high,
        p=found.p,
        smallest_p=found.smallest_p,
        detectable=found.detectable,
        clusters=found.clusters,
    )


def _blank(scored: Scored, arm: str, explainer: str) -> Row:
    clusters = scored.clusters
    return Row(
        kind="faithfulness",
        arm=arm,
        explainer=explainer,
        metric=scored.metric,
        score=scored.score,
        direction=scored.direction,
        is_control=explainer in scored.controls,
        value=_NAN,
        cluster=clusters.level or "",
        clusters=clusters.count,
        patients=clusters.patients,
        note=clusters.note,
    )


def _flagged(row: Row, means: dict[tuple[str, str], Row]) -> Row:
    """Flag an explainer that a control equals or beats in the same arm: the score is then no evidence."""
    if row.is_control or row.direction == "none":
        return row
    winners = [
        other.explainer
        for (arm, _), other in means.items()
        if arm == row.arm and other.is_control and not better(row.value, other.value, row.direction)
    ]
    if not winners:
        return row
    return replace(row, flag=f"not informative here: {', '.join(winners)} does as well or better")

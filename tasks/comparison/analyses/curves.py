"""Mean curves with bands: what a metric traces while pixels are removed or inserted, per arm."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.faithfulness_report import UNIT_ORIGIN
from tasks.comparison.analyses.leaderboard import best_controls, headlines
from tasks.comparison.job import ComparedReport, ComparisonJob
from tasks.comparison.row import Row
from tasks.comparison.summary import ComparisonSummary
from tasks.statistics.bands import Band, CurveSums, curve_sums, mean_band
from tasks.statistics.clusters import Clusters, choose_clusters

Floats = NDArray[np.float64]
MOST_PANELS = 40
"""The last arms are left out until the figure has at most this many panels."""
_OUTPUTS = ("probability", "margin", "logit")
"""A curve named ``..._<output>`` is drawn only if its metric is scored on that output."""
_COLUMNS = [
    "arm", "explainer", "is_control", "metric", "curve", "fraction", "value", "low", "high", "units", "note",
]  # fmt: skip


@dataclass(frozen=True)
class MeanCurve:
    """The mean over seeds and units of one curve of one explainer, with its band at ``fractions`` [F]."""

    arm: str
    explainer: str
    is_control: bool
    metric: str
    curve: str
    fractions: Floats
    band: Band
    units: int
    note: str


def mean_curves(
    job: ComparisonJob, rows: list[Row], arms: Iterable[str], level: float
) -> Iterator[MeanCurve]:
    """Yield each scored curve of each explainer and of the best control of each arm.

    The best control is chosen by the score that represents the metric, see :func:`headlines`.
    """
    chosen, best = headlines(rows, job.recipe.primary), best_controls(rows)
    for arm in arms:
        for metric in dict.fromkeys(item.metric for item in job.reports if item.arm == arm):
            control = best.get((arm, (metric, chosen.get(metric, ""))))
            kept = [
                item
                for item in job.reports
                if (item.arm, item.metric) == (arm, metric)
                and (not item.is_control or (control is not None and item.explainer == control.explainer))
            ]
            for explainer in dict.fromkeys(item.explainer for item in sorted(kept, key=_controls_last)):
                items = [item for item in kept if item.explainer == explainer]
                yield from _of_explainer(items, job.target_class if metric in job.removing else "", level)


def curves_per_arm(job: ComparisonJob) -> int:
    """Return how many curves the metrics of one arm trace."""
    firsts = {item.metric: item for item in reversed(job.reports) if item.report.curve_names}
    return sum(len(_scored_curves(item)) for item in firsts.values())


def arms_to_draw(summary: ComparisonSummary, panels: int) -> tuple[str, ...]:
    """Return the reference arm and as many others as fit, with ``panels`` panels per arm."""
    others = [arm for arm in summary.arms if arm != summary.reference_arm]
    room = max(1, MOST_PANELS // max(1, panels))
    return (summary.reference_arm, *others)[:room]


def curve_table(curves: Iterable[MeanCurve]) -> pd.DataFrame:
    """Return one row per point. The columns are the fields of :class:`MeanCurve`."""
    rows = [
        (c.arm, c.explainer, c.is_control, c.metric, c.curve, *point, c.units, c.note)
        for c in curves
        for point in zip(c.fractions, c.band.mean, c.band.low, c.band.high, strict=True)
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _controls_last(item: ComparedReport) -> bool:
    return item.is_control


def _of_explainer(items: Sequence[ComparedReport], target: str, level: float) -> Iterator[MeanCurve]:
    """Yield the curves of one arm, explainer and metric, on tiles of the class ``target`` if one is given.

    ``items`` holds one report per seed.
    """
    traced = [item.report for item in items if item.report.curve_names]
    if not traced:
        return
    places = _places(items, target)
    clusters = choose_clusters(places)
    units = pd.Index(places["unit_id"])
    for name in _scored_curves(items[0]):
        fractions = np.sort(traced[0].curve(name)["fraction"].unique()).astype(np.float64)
        # One report after the other: only one holds its curves in memory.
        sums = curve_sums((_aligned(each.curve(name), units, fractions) for each in traced), clusters)
        if sums.units:
            yield _mean(items[0], name, fractions, sums, (clusters, level))


def _mean(
    item: ComparedReport, name: str, fractions: Floats, sums: CurveSums, interval: tuple[Clusters, float]
) -> MeanCurve:
    clusters, level = interval
    return MeanCurve(
        arm=item.arm,
        explainer=item.explainer,
        is_control=item.is_control,
        metric=item.metric,
        curve=name,
        fractions=fractions,
        band=mean_band(sums, clusters, level),
        units=sums.units,
        note=clusters.note,
    )


def _scored_curves(item: ComparedReport) -> list[str]:
    """Return the curves of the output that the metric is scored on, and curves that name no output."""
    output = item.report.info.metric.get("output")
    return [
        name
        for name in item.report.curve_names
        if output is None or not name.endswith(_OUTPUTS) or name.endswith(f"_{output}")
    ]


def _places(items: Iterable[ComparedReport], target: str) -> pd.DataFrame:
    """Return the place of each unit of the reports once, sorted by unit id.

    Where some of the units have the label ``target`` and some have another, only the former are returned.
    """
    found = pd.DataFrame(columns=UNIT_ORIGIN)
    for item in items:
        own = item.report.units
        new = own[~own["unit_id"].isin(found["unit_id"])]
        found = pd.concat([found, new]) if len(found) else new
    found = found.sort_values("unit_id", kind="stable")
    of_class = found[found["label"] == target]
    return (of_class if len(of_class) else found).reset_index(drop=True)


def _aligned(part: pd.DataFrame, units: pd.Index, fractions: Floats) -> Floats:
    """Return the curves [N, F] of one seed in the order of ``units``. NaN if a unit has none."""
    rows = units.get_indexer(pd.Index(part["unit_id"]))
    here = rows >= 0
    values = np.full((len(units), len(fractions)), np.nan)
    values[rows[here], np.searchsorted(fractions, part["fraction"][here])] = part["value"][here]
    return values

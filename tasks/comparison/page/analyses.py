"""The sections of the page on accuracy against faithfulness, on curves, and on how metrics agree."""

from collections.abc import Sequence

import pandas as pd

from tasks.comparison.analyses.agreement import SECTIONS, MetricAgreement
from tasks.comparison.analyses.curves import MeanCurve
from tasks.comparison.analyses.pareto import ParetoAnalysis
from tasks.comparison.summary import ComparisonSummary
from tasks.comparison.wording import NAMES
from tasks.statistics.printing import MINUS, number, table

_MOST_NAMED = 12
"""So many pairs of scores that contradict each other are named; all stand in ``agreement.parquet``."""


def pareto_section(summary: ComparisonSummary, found: ParetoAnalysis | None) -> list[str]:
    """Return the section on accuracy against faithfulness; empty where no arm has both."""
    if found is None:
        return []
    x, y = found.points[0].accuracy, found.points[0].faithfulness
    axes = f"Tile {NAMES[x.score]} against {y.metric}.{y.score}"
    if not found.front:
        said = "A control does as well or better at every point, so none is on the front."
    else:
        names = "; ".join(
            f"{point.name} ({number(point.accuracy.value)}, {number(point.faithfulness.value)})"
            for point in found.front
        )
        said = f"Beaten in neither by any other: {names}. Where intervals overlap the order is not settled."
    alone = "" if len(summary.arms) > 1 else " With one arm there is one accuracy, and nothing to trade."
    return [
        "## Accuracy against faithfulness", "", f"{axes}. {said}{alone}", "",
        "![Accuracy against faithfulness](pareto.png)",
    ]  # fmt: skip


def curves_section(curves: Sequence[MeanCurve]) -> list[str]:
    """Return the section on curves; empty where no metric traces any."""
    if not curves:
        return []
    words = (
        "Mean curves over seeds and units with intervals at each point, every explainer beside the control "
        "that does best by the metric's own score; the figures are in `curves.parquet`."
    )
    return ["## Curves", "", words, "", "![Mean curves with bands](curves.png)"]


def agreement_section(summary: ComparisonSummary, agreement: MetricAgreement) -> list[str]:
    """Return the section on how alike scores rank maps; empty where no two scores rank the same maps."""
    if not len(agreement.table):
        return []
    pairs = agreement.table[~agreement.table["same_metric"]]
    told = pairs[pairs["high"] < 0].sort_values("tau", kind="stable")
    alike = int((pairs["low"] > 0).sum())
    said = [
        "Mean Kendall tau-b between scores over all maps of one network, controls too, with better first: 1 "
        f"is the same order, {MINUS}1 the opposite, 0 no relation.",
        f"Of {len(pairs)} pairs of scores of different metrics {alike} rank maps alike and {len(told)} "
        f"contradict each other (the {summary.confidence:.0%} interval lies on one side of 0).",
        *_apart(agreement),
    ]
    return [
        "## Do the metrics agree?", "", " ".join(said), "", *_contradictions(told),
        "![Rank agreement of the metrics](agreement.png)",
    ]  # fmt: skip


def _apart(agreement: MetricAgreement) -> list[str]:
    """Return the sentences on what is ranked otherwise or not at all."""
    lines = []
    if (agreement.table["ranked_on"] == SECTIONS).any():
        lines.append("Pairs without a unit in common are compared by their means in each section.")
    if agreement.without_direction:
        names = ", ".join(agreement.without_direction)
        lines.append(f"Without a direction, and so not in the matrix: {names}.")
    return lines


def _contradictions(told: pd.DataFrame) -> list[str]:
    if not len(told):
        return []
    body = [
        (
            str(row["one"]),
            str(row["other"]),
            f"{number(row['tau'])} [{number(row['low'])}, {number(row['high'])}]",
            str(row["ranked_on"]),
        )
        for row in told.head(_MOST_NAMED).to_dict("records")
    ]
    more = (
        [f"{len(told) - _MOST_NAMED} more are in `agreement.parquet`.", ""] if len(told) > _MOST_NAMED else []
    )
    return [*table(("score", "contradicts", "tau-b", "ranked on"), body), "", *more]

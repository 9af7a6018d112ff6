"""The sections on accuracy against faithfulness, on curves and on the agreement of metrics."""

from collections.abc import Sequence

import pandas as pd

from tasks.comparison.analyses.agreement import SECTIONS, MetricAgreement
from tasks.comparison.analyses.curves import MeanCurve
from tasks.comparison.analyses.pareto import ParetoAnalysis
from tasks.comparison.summary import ComparisonSummary
from tasks.comparison.wording import NAMES
from tasks.statistics.printing import MINUS, number, table

_MOST_NAMED = 12
"""At most this many contradicting pairs are listed. All are in ``agreement.parquet``."""


def pareto_section(summary: ComparisonSummary, found: ParetoAnalysis | None) -> list[str]:
    """Return the section on accuracy against faithfulness. Empty if no arm has both."""
    if found is None:
        return []
    x, y = found.points[0].accuracy, found.points[0].faithfulness
    axes = f"{x.metric.capitalize()} {NAMES[x.score]} against {y.metric}.{y.score}"
    if not found.front:
        said = "No point is ahead of every control, so none is on the front."
    else:
        names = "; ".join(
            f"{point.name} ({number(point.accuracy.value)}, {number(point.faithfulness.value)})"
            for point in found.front
        )
        said = f"Not dominated by any other: {names}. If intervals overlap, the order is not settled."
    alone = "" if len(summary.arms) > 1 else " With one arm there is one accuracy and no trade-off."
    return [
        "## Accuracy against faithfulness", "", f"{axes}. {said}{alone}", "",
        "![Accuracy against faithfulness](pareto.png)",
    ]  # fmt: skip


def curves_section(curves: Sequence[MeanCurve]) -> list[str]:
    """Return the section on curves. Empty if no metric traces any."""
    if not curves:
        return []
    words = (
        "Mean curves over seeds and units with pointwise intervals. Each explainer is shown with the best "
        "control by the score of the metric. All values are in `curves.parquet`."
    )
    return ["## Curves", "", words, "", "![Mean curves with bands](curves.png)"]


def agreement_section(summary: ComparisonSummary, agreement: MetricAgreement) -> list[str]:
    """Return the section on rank agreement. Empty if no two scores rank the same maps."""
    if not len(agreement.table):
        return []
    pairs = agreement.table[~agreement.table["same_metric"]]
    told = pairs[pairs["high"] < 0].sort_values("tau", kind="stable")
    alike = int((pairs["low"] > 0).sum())
    said = [
        "Mean Kendall tau-b between two scores over all maps of one network, controls included, better maps "
        f"first: 1 is the same order, {MINUS}1 the opposite order, 0 no relation.",
        f"Of {len(pairs)} pairs of scores of different metrics, {alike} agree and {len(told)} "
        f"contradict each other (the {summary.confidence:.0%} interval lies on one side of 0).",
        *_apart(agreement),
    ]
    return [
        "## Do the metrics agree?", "", " ".join(said), "", *_contradictions(told),
        "![Rank agreement of the metrics](agreement.png)",
    ]  # fmt: skip


def _apart(agreement: MetricAgreement) -> list[str]:
    """Return the sentences on pairs that are ranked by section means and on scores that are left out."""
    lines = []
    if (agreement.table["ranked_on"] == SECTIONS).any():
        lines.append("Pairs without a common unit are compared by their section means.")
    if agreement.without_direction:
        names = ", ".join(agreement.without_direction)
        lines.append(f"Not in the matrix, because they have no direction: {names}.")
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

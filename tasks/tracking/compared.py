"""The comparison as metrics and a tag of the study run."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from tasks.comparison.claims.verdict import code_of
from tasks.statistics.printing import number
from tasks.tracking.runs import Point

CLAIMS = "claims"
"""Tag that holds the verdicts on the claims."""
FIGURES = "tables/figures.json"
"""All figures of the comparison, as a table."""
_BOUNDS = {
    "performance": ("low", "high"),
    "faithfulness": ("low", "high"),
    "claim": ("low", "high", "p_holm"),
}
"""The kinds that are metrics, with the columns that are logged next to the figure itself.

MLflow draws a chart of each metric of a run. Studies are told apart by these; the rest is in the table.
"""
_COLUMNS = (
    "kind", "claim", "arm", "against", "explainer", "against_explainer", "metric", "score", "direction",
    "value", "low", "high", "p", "p_holm", "p_within_holm", "detectable", "mean", "mean_against", "margin",
    "sd_seed", "sd_cluster", "sd_rest", "verdict", "flag",
)  # fmt: skip


def comparison_points(rows: pd.DataFrame) -> list[Point]:
    """Return prediction, faithfulness and claims as ``<kind>/<arm>/<name>`` with their bounds.

    Faithfulness is that of explainers, by scores with a direction. Claims are ``claim/<id>``, with the
    corrected p. ``claim/<id>.verdict`` is 1 for reproduced, -1 for reversed and 0 for all others, which the
    tag tells apart.
    """
    points: list[Point] = []
    for row in rows[rows["kind"].isin(_BOUNDS)].to_dict("records"):
        kind, stem = str(row["kind"]), _stem(row)
        if kind == "faithfulness" and (row["is_control"] or row["direction"] == "none"):
            continue
        points.append((stem, row["value"], 0))
        points += [(f"{stem}.{end}", row[end], 0) for end in _BOUNDS[kind]]
        if kind == "claim":
            points.append((f"{stem}.verdict", code_of(row["verdict"]), 0))
    return points


def figures_table(rows: pd.DataFrame) -> dict[str, list[Any]]:
    """Return every figure with its bounds as ``{column: values}``; no name holds a dot, and NaN is None."""
    shown = rows[list(_COLUMNS)].astype(object)
    shown = shown.where(shown.notna(), None)
    return {column: shown[column].tolist() for column in _COLUMNS}


def _stem(row: Mapping[Hashable, Any]) -> str:
    """Return the first part of the metric names of a row."""
    score = f"{row['metric']}.{row['score']}"
    if row["kind"] == "claim":
        return f"claim/{row['claim']}"
    name = f"{row['explainer']}/{score}" if row["explainer"] else score
    return f"{row['kind']}/{row['arm']}/{name}"


def claims_text(rows: pd.DataFrame) -> str:
    """Return one line per claim with id, verdict and difference; empty without claims."""
    claims = rows[rows["kind"] == "claim"].to_dict("records")
    return "\n".join(
        f"{row['claim']}: {row['verdict']}, {number(row['value'])} "
        f"[{number(row['low'])}, {number(row['high'])}]"
        for row in claims
    )

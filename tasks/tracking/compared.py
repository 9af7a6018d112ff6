"""The comparison as metrics and a tag of the study run."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from tasks.comparison.analyses.two_axes import NO, YES
from tasks.comparison.claims.verdict import code_of
from tasks.statistics.printing import number
from tasks.tracking.runs import Point

CLAIMS = "claims"
"""Tag that holds the verdicts on the claims."""
_SPREADS = ("sd_seed", "sd_cluster", "sd_rest")
_BOUNDS = {
    "performance": ("low", "high"),
    "faithfulness": ("low", "high"),
    "model": ("low", "high"),
    "against_control": ("low", "high", "p_holm"),
    "best_blind": ("low", "high", "p_holm"),
    "difference": ("low", "high", "p_holm", "detectable"),
    "between_explainers": ("low", "high", "p_holm"),
    "claim": (
        "low", "high", "p", "p_holm", "p_within_holm", "detectable", "mean", "mean_against", "margin",
        *_SPREADS,
    ),
}  # fmt: skip
"""Columns that are logged next to the figure itself."""


def comparison_points(rows: pd.DataFrame) -> list[Point]:
    """Return every figure as ``<kind>/<arm>/<name>`` with its bounds, for differences with corrected p.

    The difference of an explainer to a control is ``against_control/<arm>/<explainer>-<control>/<score>``.
    That to the best blind map is ``best_blind/<arm>/<explainer>/<score>``. Its ``.verdict`` is 1 for yes, -1
    for no and 0 for cannot tell. Claims are ``claim/<id>`` with all their figures. ``claim/<id>.verdict`` is
    1 for reproduced, -1 for reversed and 0 for all others, which the tag tells apart.
    """
    points: list[Point] = []
    for row in rows.to_dict("records"):
        kind, stem = str(row["kind"]), _stem(row)
        points.append((stem, row["value"], 0))
        points += [(f"{stem}.{end}", row[end], 0) for end in _BOUNDS[kind]]
        if kind == "claim":
            points.append((f"{stem}.verdict", code_of(row["verdict"]), 0))
        if kind == "best_blind":
            code = {YES: 1.0, NO: -1.0}.get(str(row["verdict"]), 0.0)
            points.append((f"{stem}.verdict", code, 0))
    return points


def _stem(row: Mapping[Hashable, Any]) -> str:
    """Return the first part of the metric names of a row."""
    score = f"{row['metric']}.{row['score']}"
    if row["kind"] == "claim":
        return f"claim/{row['claim']}"
    if row["kind"] == "against_control":
        return f"against_control/{row['arm']}/{row['explainer']}-{row['against']}/{score}"
    if row["kind"] == "between_explainers":
        return f"difference/{row['arm']}/{row['explainer']}-{row['against_explainer']}/{score}"
    name = f"{row['explainer']}/{score}" if row["explainer"] and row["kind"] != "model" else score
    if row["kind"] == "difference":
        return f"difference/{row['arm']}-{row['against']}/{name}"
    return f"{row['kind']}/{row['arm']}/{name}"


def claims_text(rows: pd.DataFrame) -> str:
    """Return one line per claim with id, verdict and difference; empty without claims."""
    claims = rows[rows["kind"] == "claim"].to_dict("records")
    return "\n".join(
        f"{row['claim']}: {row['verdict']}, {number(row['value'])} "
        f"[{number(row['low'])}, {number(row['high'])}]"
        for row in claims
    )

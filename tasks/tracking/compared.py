"""A comparison as metrics and a tag of the study's run."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from tasks.comparison.claims.verdict import code_of
from tasks.statistics.printing import number
from tasks.tracking.runs import Point

CLAIMS = "claims"
"""The tag that says what became of the claims."""
_BOUNDS = {
    "difference": ("low", "high", "p_holm"),
    "between_explainers": ("low", "high", "p_holm"),
    "claim": ("low", "high", "p", "p_holm", "smallest_p", "detectable", "mean", "mean_against", "margin"),
}
"""What is logged beside the difference itself."""


def comparison_points(rows: pd.DataFrame) -> list[Point]:
    """Return ``<kind>/<arm>/<name>`` of every figure; of differences also bounds and corrected p.

    Claims are ``claim/<id>`` with all their figures; ``claim/<id>.verdict`` is 1 where reproduced, -1 where
    not, 0 where these data cannot tell.
    """
    points: list[Point] = []
    for row in rows.to_dict("records"):
        kind, stem = str(row["kind"]), _stem(row)
        if kind in ("performance", "faithfulness", "model"):
            points.append((stem, row["value"], 0))
        elif kind in _BOUNDS:
            points.append((stem, row["value"], 0))
            points += [(f"{stem}.{end}", row[end], 0) for end in _BOUNDS[kind]]
        if kind == "claim":
            points.append((f"{stem}.verdict", code_of(row["verdict"]), 0))
    return points


def _stem(row: Mapping[Hashable, Any]) -> str:
    """Return what the names of a row's metrics begin with."""
    score = f"{row['metric']}.{row['score']}"
    if row["kind"] == "claim":
        return f"claim/{row['claim']}"
    if row["kind"] == "between_explainers":
        return f"difference/{row['arm']}/{row['explainer']}-{row['against_explainer']}/{score}"
    name = f"{row['explainer']}/{score}" if row["explainer"] and row["kind"] != "model" else score
    if row["kind"] == "difference":
        return f"difference/{row['arm']}-{row['against']}/{name}"
    return f"{row['kind']}/{row['arm']}/{name}"


def claims_text(rows: pd.DataFrame) -> str:
    """Return one line a claim: its id, its verdict and the difference; empty where nothing was claimed."""
    claims = rows[rows["kind"] == "claim"].to_dict("records")
    return "\n".join(
        f"{row['claim']}: {row['verdict']}, {number(row['value'])} "
        f"[{number(row['low'])}, {number(row['high'])}]"
        for row in claims
    )

"""A comparison as metrics and a tag of the study's run."""

import pandas as pd

from tasks.comparison.verdict import code_of
from tasks.comparison.wording import number
from tasks.tracking.runs import Point

CLAIMS = "claims"
"""The tag that says what became of the claims."""
_DIFFERENCE = ("low", "high", "p_holm")
_CLAIM = ("low", "high", "p", "p_holm", "smallest_p", "detectable", "mean", "mean_against", "margin")


def comparison_points(rows: pd.DataFrame) -> list[Point]:
    """Return ``<kind>/<arm>/<name>`` of every figure; of differences also bounds and corrected p.

    Claims are ``claim/<id>`` with all their figures; ``claim/<id>.verdict`` is 1 where reproduced, -1 where
    not, 0 where these data cannot tell.
    """
    points: list[Point] = []
    for row in rows.to_dict("records"):
        name = f"{row['metric']}.{row['score']}"
        if row["explainer"] and row["kind"] != "model":
            name = f"{row['explainer']}/{name}"
        if row["kind"] in ("performance", "faithfulness", "model"):
            points.append((f"{row['kind']}/{row['arm']}/{name}", row["value"], 0))
        elif row["kind"] == "difference":
            stem = f"difference/{row['arm']}-{row['against']}/{name}"
            points.append((stem, row["value"], 0))
            points += [(f"{stem}.{end}", row[end], 0) for end in _DIFFERENCE]
        elif row["kind"] == "claim":
            stem = f"claim/{row['claim']}"
            points.append((stem, row["value"], 0))
            points += [(f"{stem}.{end}", row[end], 0) for end in _CLAIM]
            points.append((f"{stem}.verdict", code_of(row["verdict"]), 0))
    return points


def claims_text(rows: pd.DataFrame) -> str:
    """Return one line a claim: its id, its verdict and the difference; empty where nothing was claimed."""
    claims = rows[rows["kind"] == "claim"].to_dict("records")
    return "\n".join(
        f"{row['claim']}: {row['verdict']}, {number(row['value'])} "
        f"[{number(row['low'])}, {number(row['high'])}]"
        for row in claims
    )

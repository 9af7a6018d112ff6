"""Flags: which scores of explainers are not ahead of every control, by paired intervals."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from tasks.comparison.row import Row
from tasks.statistics.better import flag_of, lead


def flagged(rows: list[Row], confidence: float) -> list[Row]:
    """Return ``rows`` with a flag on each score that is not ahead of every rival control in its arm.

    p must already be corrected: a control is ahead only after Holm over all controls of the score. To be
    ahead of all of them needs no correction, as it asks for every one.
    """
    against: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.kind == "against_control" and not math.isnan(row.value):
            against[row.arm, row.name].append(row)
    return [
        replace(row, flag=flag_of({r.against: lead_of(r, confidence) for r in found}))
        if row.kind == "faithfulness"
        and not row.is_control
        and row.direction != "none"
        and (found := against[row.arm, row.name])
        else row
        for row in rows
    ]


def lead_of(row: Row, confidence: float) -> str:
    """Return whether an explainer is ahead of the control of a row, behind it, or not told apart."""
    return lead(row.low, row.high, row.direction, row.p_holm < 1 - confidence)


def flags_of(rows: Iterable[Row]) -> dict[tuple[str, str], str]:
    """Return {(arm, endpoint): its flag} of all flagged scores."""
    return {(row.arm, row.name): row.flag for row in rows if row.kind == "faithfulness" and row.flag}

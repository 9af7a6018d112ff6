"""The section on both axes of maps of slides, with a verdict per explainer and arm."""

from collections.abc import Mapping

from tasks.comparison.analyses.two_axes import AXES, NO, UNKNOWN, YES, AxesAnalysis, Axis
from tasks.comparison.row import Row
from tasks.comparison.summary import ComparisonSummary
from tasks.comparison.wording import with_interval
from tasks.statistics.printing import ARROWS, number, table

_HEAD = ("arm", "explainer", "axis", "score", "best blind map", "difference", "p (Holm)", "beats it")
_READINGS: Mapping[tuple[str, str], str] = {
    (YES, YES): "follows the model and points to the labelled tiles",
    (YES, NO): "follows the model, which looks elsewhere than at the labelled tiles",
    (NO, YES): "points to the labelled tiles, but does not follow the model",
    (NO, NO): "neither follows the model nor points to the labelled tiles",
}
"""What the verdicts on both axes say together, in the order of :data:`AXES`."""


def axes_section(summary: ComparisonSummary, found: AxesAnalysis | None) -> list[str]:
    """Return the whole section with its heading. Empty for a study of tiles."""
    if found is None:
        return []
    words = (
        "A *faithful* map follows the model: without the tiles that it ranks first the call falls, without "
        "those that it ranks last it stays. A *plausible* map points to the tiles that are labelled, or "
        "on phantoms known, as the explained class. "
        "Neither stands for the other, so both are shown, with every blind map drawn in. *Beats it*: the "
        "paired difference to the best blind map of the arm, clustered as all intervals are and corrected "
        "by Holm over all explainers and arms of the axis."
    )
    lines = [f"- {line}" for line in (*_measured(found), *_readings(found))]
    drawn = "faithfulness" in found.scores
    picture = ["![Faithfulness against plausibility](axes.png)", ""] if drawn else []
    return ["## Faithfulness and plausibility", "", words, "", *lines, "", *picture, *_verdicts(found)]


def verdict_lines(summary: ComparisonSummary, found: AxesAnalysis) -> list[str]:
    """Return one sentence per axis that says which explainers beat the best blind map."""
    return [_verdict_line(summary, found, axis) for axis in AXES if axis in found.scores]


def _verdict_line(summary: ComparisonSummary, found: AxesAnalysis, axis: Axis) -> str:
    rows = [row for row in found.verdicts if (row.metric, row.score) == found.scores[axis]]
    if not rows:
        return f"{axis.capitalize()}: no blind map was scored, so there is no verdict."
    said = [
        f"{verdict}: {', '.join(_named(summary, found, axis, row) for row in those)}"
        for verdict in (YES, NO, UNKNOWN)
        if (those := [row for row in rows if row.verdict == verdict])
    ]
    return f"{axis.capitalize()}, beats the best blind map? {'; '.join(said)}."


def _named(summary: ComparisonSummary, found: AxesAnalysis, axis: Axis, row: Row) -> str:
    """Return the explainer and its arm, with the flag of its score: a control may see a network."""
    name = row.explainer if len(summary.arms) == 1 else f"{row.explainer} in {row.arm}"
    own = found.row(axis, row.arm, row.explainer)
    flagged = own is not None and own.flag and row.verdict == YES
    return f"{name} (but {own.flag})" if own is not None and flagged else name


def _measured(found: AxesAnalysis) -> list[str]:
    """Say by what each axis is measured, or why it is not."""
    lines = []
    for axis in AXES:
        if axis in found.scores:
            metric, score = found.scores[axis]
            row = next(row for row in found.maps if (row.metric, row.score) == (metric, score))
            lines.append(f"{axis.capitalize()}: {metric}.{score}, {row.direction} is better.")
        else:
            lines.append(f"{axis.capitalize()} is not measured: {found.unmeasured[axis]}.")
    return lines


def _readings(found: AxesAnalysis) -> list[str]:
    """Return what both verdicts say together, where neither is open."""
    groups: dict[str, list[str]] = {}
    for arm, explainer in dict.fromkeys((row.arm, row.explainer) for row in found.verdicts):
        both = [found.verdict(axis, arm, explainer) for axis in AXES]
        key = tuple("" if row is None else row.verdict for row in both)
        said = _READINGS.get((key[0], key[1]))
        if said:
            groups.setdefault(said, []).append(f"{explainer} in {arm}")
    return [f"{', '.join(names)}: {said}." for said, names in groups.items()]


def _verdicts(found: AxesAnalysis) -> list[str]:
    """Return the table of differences to the best blind map, an arm after the other."""
    body = []
    for arm, explainer in dict.fromkeys((row.arm, row.explainer) for row in found.verdicts):
        for axis in AXES:
            row, own = found.verdict(axis, arm, explainer), found.row(axis, arm, explainer)
            if row is not None and own is not None:
                score = f"{row.metric}.{row.score} {ARROWS[row.direction]} {with_interval(own)}"
                body.append((arm, explainer, axis, score, row.against, *_told(row)))
    return table(_HEAD, body) if body else ["No blind map was scored, so there is no verdict."]


def _told(row: Row) -> tuple[str, str, str]:
    why = f": {row.reason}" if row.verdict == UNKNOWN and row.p_holm != row.p_holm else ""
    return with_interval(row), number(row.p_holm), f"**{row.verdict}**{why}"

"""The first section: what is significant, what is not, and what could not have been."""

from collections.abc import Mapping

from tasks.comparison.analyses.leaderboard import headlines
from tasks.comparison.page.reading import BETTER, reading
from tasks.comparison.row import Row
from tasks.comparison.rows.aligned_scores import OVER
from tasks.comparison.rows.flags import flags_of
from tasks.comparison.summary import ComparisonSummary
from tasks.comparison.wording import with_interval
from tasks.statistics.printing import number

_FAMILIES = {"performance": "performance", "model": "the network", "faithfulness": "faithfulness"}
_MOST_NAMED = 12
"""At most this many significant differences are named. All of them are in the tables."""
_MOST_FLAGGED = 40
"""Up to this many flagged scores are named. More are counted per metric."""


def main_findings(summary: ComparisonSummary, rows: list[Row]) -> list[str]:
    """Return a line on the primary endpoint, one per family of secondary endpoints, and two on controls."""
    tests = [row for row in rows if row.kind == "difference"]
    primary = [row for row in tests if row.family == "primary"]
    lines = [_primary(summary, primary, flags_of(rows))]
    for family, words in _FAMILIES.items():
        members = [row for row in tests if row.family == family]
        if members:
            lines.append(_secondary(words, members, summary.confidence))
    return [f"- {line}" for line in [*lines, *_ahead(summary, rows), *_flagged(summary, rows)]]


def _primary(summary: ComparisonSummary, rows: list[Row], flags: Mapping[tuple[str, str], str]) -> str:
    if summary.primary is None:
        if summary.claims:
            return "Claims were named before the run and come next. All other differences are exploratory."
        return "No primary endpoint was named before the run, so all differences below are exploratory."
    if not rows:
        return f"The primary endpoint {summary.primary} was not evaluated."
    said = [
        f"{row.arm} minus {row.against}: {with_interval(row)}, p = {number(row.p_holm)} "
        f"({_told(row, summary.confidence, flags)})"
        for row in rows
    ]
    narrows = dict.fromkeys(row.narrows for row in rows if row.narrows)
    advice = f" To narrow it: {'. '.join(narrows)}." if len(rows) == 1 and narrows else ""
    return f"Primary endpoint {summary.primary}: {'; '.join(said)}.{advice}"


def _told(row: Row, confidence: float, flags: Mapping[tuple[str, str], str]) -> str:
    """Return the reading of the primary difference. *Better* needs maps that are ahead of every control."""
    said = reading(row, confidence)
    whole = row.name.partition(OVER)[0]
    flag = flags.get((row.arm if said.startswith(f"{row.arm} ") else row.against, whole), "")
    if not said.endswith(BETTER) or not flag:
        return said
    side = said.removesuffix(BETTER).strip()
    return f"{side} scores better than the other arm, but is no evidence: its maps are {flag}"


def _secondary(family: str, members: list[Row], confidence: float) -> str:
    told = [row for row in members if row.p_holm <= 1 - confidence]
    names = [f"{row.name} ({row.arm}: {with_interval(row)})" for row in told[:_MOST_NAMED]]
    if len(told) > _MOST_NAMED:
        names.append(f"and {len(told) - _MOST_NAMED} more in the tables")
    named = f": {'; '.join(names)}" if names else ""
    return (
        f"Secondary, {family}: {len(told)} of {len(members)} differences are significant after "
        f"Holm's correction{named}. {_reach(members)}".rstrip()
    )


def _reach(members: list[Row]) -> str:
    """Return how large a difference would have to be to be found, over the tests of a family."""
    known = sorted(row.detectable for row in members if row.detectable > 0)
    if not known:
        return ""
    if len(known) == 1:
        return f"A true difference of {number(known[0])} is found with a power of 0.8."
    return (
        f"True differences of {number(known[0])} to {number(known[-1])}, by endpoint, are found with a power "
        "of 0.8."
    )


def _scored(rows: list[Row]) -> list[Row]:
    """Return the scores of explainers with a direction and a value."""
    return [
        row
        for row in rows
        if row.kind == "faithfulness"
        and not row.is_control
        and row.direction != "none"
        and row.value == row.value
    ]


def _ahead(summary: ComparisonSummary, rows: list[Row]) -> list[str]:
    """Return the line on scores that are ahead of every control, arm by arm; nothing without controls."""
    rivalled = {
        (row.arm, row.name) for row in rows if row.kind == "against_control" and row.value == row.value
    }
    scored = [row for row in _scored(rows) if (row.arm, row.name) in rivalled]
    said = []
    for arm in summary.arms:
        own = [row for row in scored if row.arm == arm]
        names = [row.name for row in own if not row.flag]
        named = f": {', '.join(names)}" if 0 < len(names) <= _MOST_NAMED else ""
        said += [f"{arm} {len(names)} of {len(own)}{named}"] if own else []
    return [f"Scores that are ahead of every control, by arm: {'; '.join(said)}."] if said else []


def _flagged(summary: ComparisonSummary, rows: list[Row]) -> list[str]:
    """Return the line on scores that are not ahead of every control. Scores without a value do not count."""
    scored = _scored(rows)
    flagged = dict.fromkeys(row.name for row in scored if row.flag)
    if not scored:
        return []
    named = f": {', '.join(flagged)}" if flagged else ""
    if len(flagged) > _MOST_FLAGGED:
        named = f". {_counts(scored, headlines(rows, summary.primary))}"
    return [
        f"Of {len({row.name for row in scored})} explainer scores with a direction, {len(flagged)} are "
        f"behind a control or not told apart from one in at least one arm, and are no evidence here{named}."
    ]


def _counts(scored: list[Row], chosen: Mapping[str, str]) -> str:
    """Return for each metric how many explainers have a flag on the score that represents it."""
    counts = []
    for metric, score in chosen.items():
        own = [row for row in scored if (row.metric, row.score) == (metric, score)]
        names, flagged = {row.name for row in own}, {row.name for row in own if row.flag}
        if own:
            counts.append(f"{metric}.{score} {len(flagged)} of {len(names)}")
    return (
        f"By the score that represents each metric: {', '.join(counts)}. `leaderboard.csv` lists which ones"
    )

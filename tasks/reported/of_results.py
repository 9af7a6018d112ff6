"""What a study says of its results: figures with intervals, verdicts, and what limits them."""

from collections.abc import Iterable, Iterator

from tasks.comparison.row import Row
from tasks.comparison.wording import difference_label, with_interval
from tasks.reported.stored import StoredStudy, as_sentence
from tasks.reporting.checklists.facts import Fact, FactTable

_FIGURES = ("performance", "model", "faithfulness")
_FEW = 10
"""An interval over fewer clusters than this rests on little."""


def facts_of_results(stored: StoredStudy) -> Iterator[Fact]:
    """Yield the facts; none without a comparison."""
    if stored.summary is None:
        return
    yield from _performance(stored)
    yield from _faithfulness(stored)
    yield from _claims(stored)
    yield from _limits(stored)


def _performance(stored: StoredStudy) -> Iterator[Fact]:
    rows = [row for row in stored.rows if row.kind in ("performance", "model")]
    if rows:
        text = "Prediction on the evaluated slides, means over seeds with their intervals:"
        yield Fact("performance", text, stored.origin("compare"), _table(rows))


def _faithfulness(stored: StoredStudy) -> Iterator[Fact]:
    rows = [row for row in stored.rows if row.kind == "faithfulness" and row.direction != "none"]
    if rows:
        text = "Faithfulness of explanations, means over seeds with their intervals; controls are named:"
        yield Fact("faithfulness", text, stored.origin("compare"), _table(rows))


def _table(rows: Iterable[Row]) -> FactTable:
    header = ("figure", "arm", "better", "value [interval]", "clustered by", "units")
    lines = tuple(
        (
            f"{row.name}{' (control)' if row.is_control else ''}",
            row.arm,
            row.direction,
            with_interval(row),
            _clusters(row),
            str(row.units),
        )
        for row in rows
    )
    return FactTable(header, lines)


def _clusters(row: Row) -> str:
    return f"{row.cluster} ({row.clusters})" if row.cluster else "no interval"


def _claims(stored: StoredStudy) -> Iterator[Fact]:
    rows = [row for row in stored.rows if row.kind == "claim"]
    if rows:
        lines = tuple(
            (row.claim, difference_label(row.arm, row.against, row.explainer, row.against_explainer),
             with_interval(row), row.verdict, row.reason)
            for row in rows
        )  # fmt: skip
        table = FactTable(("claim", "difference", "value [interval]", "verdict", "why"), lines)
        yield Fact("claims", "Claims and what became of them:", stored.origin("compare"), table)


def _limits(stored: StoredStudy) -> Iterator[Fact]:
    summary, origin = stored.summary, stored.origin("compare")
    assert summary is not None
    figures = [row for row in stored.rows if row.kind in _FIGURES]
    bare = sum(not row.cluster for row in figures)
    if bare:
        yield Fact("limits", f"{bare} of {len(figures)} figures have no interval.", origin)
    few = sorted({(row.cluster, row.clusters) for row in stored.rows if row.cluster and row.clusters < _FEW})
    for cluster, count in few:
        yield Fact("limits", f"Some intervals rest on {count} clusters ({cluster}) only.", origin)
    flagged = sorted(
        {f"{row.name} ({row.arm})" for row in stored.rows if row.kind == "faithfulness" and row.flag}
    )
    if flagged:
        text = f"Not ahead of every control, and therefore no evidence: {', '.join(flagged)}."
        yield Fact("limits", text, origin)
    for note in (summary.looks, summary.weak_labels, summary.trained_on):
        if note:
            yield Fact("limits", as_sentence(note), origin)
    if summary.failed_slides:
        yield Fact("limits", f"{len(summary.failed_slides)} slides failed and are in no figure.", origin)

"""``comparison.md``: the page that a reader sees first."""

import math

from tasks.comparison.page_tables import (
    control_table,
    cost_table,
    difference_table,
    faithfulness_table,
    performance_table,
    reading,
)
from tasks.comparison.rows import Row
from tasks.comparison.summary import Summary
from tasks.comparison.wording import ARROWS, number, table, with_interval


def write_page(summary: Summary, rows: list[Row]) -> str:
    """Return the whole page; deterministic for equal input."""
    blocks = [
        [f"# {summary.study}: the arms compared"],
        _frame(summary),
        ["## What can be said", "", *_claims(summary, rows)],
        ["## Prediction", "", *_prediction_words(summary), "", *performance_table(summary, rows)],
        ["## Faithfulness", "", *_faithfulness_words(), "", *faithfulness_table(summary, rows)],
        [f"## Differences from {summary.reference_arm}", "", *_difference_words(summary), ""],
        difference_table(summary, rows),
        ["## Explainers against the strongest control", "", *_control_words(), "", *control_table(rows)],
        ["## Training cost", "", *cost_table(summary, rows)],
        ["## Slides that failed", "", *_failed(summary)],
        ["![The arms compared](comparison.png)"],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _frame(summary: Summary) -> list[str]:
    seeds = sorted({seed for known in summary.seeds.values() for seed in known})
    lines = [
        f"Made by `{summary.command}`.",
        "",
        f"- Evaluated: {summary.tiles} tiles of {summary.slides} slides of {summary.patients} "
        f"{'patient' if summary.patients == 1 else 'patients'}; explained class: {summary.target_class}.",
        f"- Arms: {', '.join(summary.arms)}; reference arm: {summary.reference_arm}; "
        f"seeds: {', '.join(map(str, seeds))}. Values are means over seeds.",
        f"- Intervals: {summary.confidence:.0%}, two-way bootstrap over seeds and clusters, "
        f"{summary.draws} draws.",
    ]
    lines += [f"- Intervals are {note}." if note[0] == "c" else f"- {note}." for note in summary.clustering]
    lines += [f"- {summary.pooling[0].upper()}{summary.pooling[1:]}."] if summary.pooling else []
    return [*lines, f"- Split: `{summary.split_hash[:16] or 'not given'}`."]


def _claims(summary: Summary, rows: list[Row]) -> list[str]:
    tests = [row for row in rows if row.kind == "difference"]
    lines = [f"- {_primary_claim(summary, [row for row in tests if row.family == 'primary'])}"]
    for family in ("performance", "faithfulness"):
        members = [row for row in tests if row.family == family]
        told = [row for row in members if row.p_holm <= 1 - summary.confidence]
        if members:
            names = "; ".join(f"{row.name} ({row.arm}: {with_interval(row)})" for row in told)
            lines.append(
                f"- Secondary, {family}: {len(told)} of {len(members)} differences stand after Holm's "
                f"correction{': ' + names if told else ''}. {_reach(members, summary.confidence)}".rstrip()
            )
    flagged = dict.fromkeys(row.name for row in rows if row.flag)
    judged = dict.fromkeys(
        row.name
        for row in rows
        if row.kind == "faithfulness" and not row.is_control and row.direction != "none"
    )
    named = f": {', '.join(flagged)}" if flagged else ""
    if judged:
        lines.append(
            f"- Of {len(judged)} explainer scores with a direction, {len(flagged)} are equalled or beaten by "
            f"a control in at least one arm and are no evidence here{named}."
        )
    return lines


def _reach(members: list[Row], confidence: float) -> str:
    """Say so where not even the smallest attainable p could stand after correction."""
    tested = [row.smallest_p for row in members if not math.isnan(row.p)]
    if not tested or min(tested) * len(tested) <= 1 - confidence:
        return ""
    return (
        f"None could: even the smallest attainable p ({number(min(tested))}) times {len(tested)} tests "
        f"exceeds {1 - confidence:.3g}."
    )


def _primary_claim(summary: Summary, rows: list[Row]) -> str:
    if summary.primary is None:
        return "No primary endpoint was named before the run, so every difference below is exploratory."
    if not rows:
        return f"The primary endpoint {summary.primary} was not evaluated."
    said = [
        f"{row.arm} less {row.against}: {with_interval(row)}, p = {number(row.p_holm)} "
        f"({reading(row, summary.confidence)})"
        for row in rows
    ]
    return f"Primary endpoint {summary.primary}: {'; '.join(said)}."


def _prediction_words(summary: Summary) -> list[str]:
    return [
        f"A slide's score is the mean {summary.target_class} probability of the highest "
        f"{summary.top_share:.0%} of its tiles; at 0.5 or above it counts as {summary.target_class}. "
        "A slide is positive where a tile is labelled so or crossed by the outline. AUROC: "
        f"{summary.target_class} against the rest. ECE: expected calibration error of the top class. "
        "A dash: not defined, for instance AUROC where all slides have one label.",
    ]


def _faithfulness_words() -> list[str]:
    arrows = f"{ARROWS['higher']} higher is more faithful, {ARROWS['lower']} lower is"
    return [
        f"{arrows}; no arrow: neither. Lines marked *control* are maps that see no trained model. Where a "
        "control does as well as an explainer in the same arm, the score is flagged: it is then no evidence "
        "for the explainer on this data.",
    ]


def _difference_words(summary: Summary) -> list[str]:
    return [
        f"Each arm less {summary.reference_arm}, paired by seed and unit. *p (Holm)* is corrected within its "
        "family (primary; performance; faithfulness). *Smallest p*: the lowest uncorrected p that these "
        "seeds, clusters and draws can give. *Detectable*: the smallest true difference found with a power "
        "of 0.8. Where either is large, *cannot tell* is a statement about the amount of data.",
    ]


def _control_words() -> list[str]:
    return [
        "The explainer less that control which does best in the same arm, paired by seed and unit. All pairs "
        "are in `comparison.parquet`.",
    ]


def _failed(summary: Summary) -> list[str]:
    if not summary.failed_slides:
        return ["None."]
    return table(("slide", "reason"), sorted(summary.failed_slides.items()))

"""``comparison.md``: the page that a reader sees first."""

from tasks.comparison import page_brief, page_many, page_tables, page_words
from tasks.comparison.extras import Extras
from tasks.comparison.page_claims import claims_section
from tasks.comparison.page_extras import agreement_section, curves_section, pareto_section
from tasks.comparison.page_leaderboard import leaderboard_section
from tasks.comparison.page_said import what_can_be_said
from tasks.comparison.rows import Row
from tasks.comparison.summary import Summary
from tasks.comparison.wording import MOST_COLUMNS
from tasks.statistics.printing import table

Lines = list[str]
_NETWORKS = ("Prediction", "The network itself")
"""These tables come first; those on maps follow their summaries."""


def write_page(summary: Summary, rows: list[Row], extras: Extras | None = None) -> str:
    """Return the whole page; deterministic for equal input. ``extras`` add sections with pictures."""
    tables = _cut(summary, rows, (_columns if len(summary.arms) <= MOST_COLUMNS else _lines)(summary, rows))
    blocks = [
        [f"# {summary.study}: the arms compared"],
        _frame(summary),
        ["## What can be said", "", *what_can_be_said(summary, rows)],
        claims_section(summary, rows),
        *(_section(summary, rows, title, tables[title]) for title in _NETWORKS if tables[title]),
        leaderboard_section(summary, rows),
        *(_beyond(summary, extras) if extras else []),
        *(
            _section(summary, rows, *titled)
            for titled in tables.items()
            if titled[0] not in _NETWORKS and titled[1]
        ),
        ["## Slides that failed", "", *_failed(summary)],
        ["![The arms compared](comparison.png)"],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _beyond(summary: Summary, extras: Extras) -> list[Lines]:
    return [
        pareto_section(summary, extras.pareto),
        curves_section(extras.curves),
        agreement_section(summary, extras.agreed),
    ]


def _cut(summary: Summary, rows: list[Row], tables: dict[str, Lines]) -> dict[str, Lines]:
    """Return ``tables`` with those on maps that run over pages cut to one score a metric."""
    briefly = {
        "Faithfulness": page_brief.faithfulness_brief,
        "Explainers against one another": page_brief.explainers_brief,
        "Explainers against the strongest control": page_brief.controls_brief,
    }
    is_long = {title for title, body in tables.items() if len(body) > page_brief.MOST_LINES}
    return {
        title: briefly[title](summary, rows) if title in briefly and title in is_long else body
        for title, body in tables.items()
    }


def _columns(summary: Summary, rows: list[Row]) -> dict[str, Lines]:
    """Return {title: table} with arms as columns."""
    return {
        "Prediction": page_tables.performance_table(summary, rows),
        "The network itself": page_tables.network_table(summary, rows),
        "Faithfulness": page_tables.faithfulness_table(summary, rows),
        "Differences": page_tables.difference_table(summary, rows),
        "Explainers against one another": page_tables.explainer_table(summary, rows),
        "Explainers against the strongest control": page_tables.control_table(rows),
        "Training cost": page_tables.cost_table(summary, rows),
    }


def _lines(summary: Summary, rows: list[Row]) -> dict[str, Lines]:
    """Return {title: tables} with arms as lines."""
    return {
        "Prediction": page_many.performance_tables(summary, rows),
        "The network itself": page_many.network_tables(summary, rows),
        "Faithfulness": page_many.faithfulness_tables(summary, rows),
        "Differences": page_many.difference_tables(summary, rows),
        "Explainers against one another": page_tables.explainer_table(summary, rows),
        "Explainers against the strongest control": page_many.control_tables(rows),
        "Training cost": page_many.cost_table(summary, rows),
    }


def _section(summary: Summary, rows: list[Row], title: str, body: Lines) -> Lines:
    words = page_words.words_on(title, summary, body, rows)
    heading = f"{title} from {summary.reference_arm}" if title == "Differences" else title
    return [f"## {heading}", "", *([words, ""] if words else []), *body]


def _frame(summary: Summary) -> Lines:
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


def _failed(summary: Summary) -> Lines:
    if not summary.failed_slides:
        return ["None."]
    return table(("slide", "reason"), sorted(summary.failed_slides.items()))

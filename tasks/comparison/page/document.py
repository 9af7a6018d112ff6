"""The whole page ``comparison.md``."""

from tasks.comparison.analyses.analyse import Analyses
from tasks.comparison.page import arms_as_columns, arms_as_rows, brief, captions
from tasks.comparison.page.analyses import agreement_section, curves_section, pareto_section
from tasks.comparison.page.claims import claims_section
from tasks.comparison.page.leaderboard import leaderboard_section
from tasks.comparison.page.main_findings import main_findings
from tasks.comparison.page.maps_over_seeds import seeds_section
from tasks.comparison.page.two_axes import axes_section, verdict_lines
from tasks.comparison.row import Row
from tasks.comparison.summary import ComparisonSummary
from tasks.comparison.wording import MOST_COLUMNS
from tasks.statistics.printing import table

Lines = list[str]
_NETWORKS = ("Prediction", "The network itself")
"""These tables come first. Tables on maps follow the leaderboard and the figures."""


def write_page(summary: ComparisonSummary, rows: list[Row], analyses: Analyses | None = None) -> str:
    """Return the whole page. Equal input gives equal text. ``analyses`` add sections with pictures."""
    tables = _cut(summary, rows, (_columns if len(summary.arms) <= MOST_COLUMNS else _rows)(summary, rows))
    blocks = [
        [f"# {summary.study}: comparison of the arms"],
        _frame(summary),
        ["## Main findings", "", *main_findings(summary, rows), *_verdicts(summary, analyses)],
        claims_section(summary, rows),
        axes_section(summary, analyses.axes if analyses else None),
        *(_section(summary, rows, title, tables[title]) for title in _NETWORKS if tables[title]),
        leaderboard_section(summary, rows),
        *(_beyond(summary, analyses) if analyses else []),
        *(
            _section(summary, rows, *titled)
            for titled in tables.items()
            if titled[0] not in _NETWORKS and titled[1]
        ),
        ["## Slides that failed", "", *_failed(summary)],
        ["![Comparison of the arms](comparison.png)"],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _verdicts(summary: ComparisonSummary, analyses: Analyses | None) -> Lines:
    """Return the verdicts on maps of slides, on both axes or with the reason why one is not measured."""
    found = analyses.axes if analyses else None
    if found is None:
        return []
    absent = [f"{axis.capitalize()} is not measured: {why}." for axis, why in found.unmeasured.items()]
    return [f"- {line}" for line in (*verdict_lines(summary, found), *absent)]


def _beyond(summary: ComparisonSummary, analyses: Analyses) -> list[Lines]:
    return [
        pareto_section(summary, analyses.pareto),
        curves_section(analyses.curves),
        agreement_section(summary, analyses.agreement),
        seeds_section(analyses.seeds),
    ]


def _cut(summary: ComparisonSummary, rows: list[Row], tables: dict[str, Lines]) -> dict[str, Lines]:
    """Return ``tables`` with long tables on maps cut to one score per metric."""
    briefly = {
        "Faithfulness": brief.faithfulness_brief,
        "Explainers against one another": brief.explainers_brief,
        "Explainers against the strongest control": brief.controls_brief,
    }
    is_long = {title for title, body in tables.items() if len(body) > brief.MOST_LINES}
    return {
        title: briefly[title](summary, rows) if title in briefly and title in is_long else body
        for title, body in tables.items()
    }


def _columns(summary: ComparisonSummary, rows: list[Row]) -> dict[str, Lines]:
    """Return {title: table} with arms as columns."""
    return {
        "Prediction": arms_as_columns.performance_table(summary, rows),
        "The network itself": arms_as_columns.network_table(summary, rows),
        "Faithfulness": arms_as_columns.faithfulness_table(summary, rows),
        "Differences": arms_as_columns.difference_table(summary, rows),
        "Explainers against one another": arms_as_columns.explainer_table(summary, rows),
        "Explainers against the strongest control": arms_as_columns.control_table(rows, summary.confidence),
    }


def _rows(summary: ComparisonSummary, rows: list[Row]) -> dict[str, Lines]:
    """Return {title: tables} with arms as rows."""
    return {
        "Prediction": arms_as_rows.performance_tables(summary, rows),
        "The network itself": arms_as_rows.network_tables(summary, rows),
        "Faithfulness": arms_as_rows.faithfulness_tables(summary, rows),
        "Differences": arms_as_rows.difference_tables(summary, rows),
        "Explainers against one another": arms_as_columns.explainer_table(summary, rows),
        "Explainers against the strongest control": arms_as_rows.control_tables(rows, summary.confidence),
    }


def _section(summary: ComparisonSummary, rows: list[Row], title: str, body: Lines) -> Lines:
    words = captions.caption_of(title, summary, body, rows)
    heading = f"{title} from {summary.reference_arm}" if title == "Differences" else title
    return [f"## {heading}", "", *([words, ""] if words else []), *body]


def _frame(summary: ComparisonSummary) -> Lines:
    seeds = sorted({seed for seeds in summary.seeds.values() for seed in seeds})
    tiles = f"{summary.tiles} tiles of {summary.slides} slides"
    evaluated = tiles if summary.level == "tile" else f"{summary.slides} slides of {summary.tiles} tiles"
    lines = [
        f"- Evaluated: {evaluated} of {summary.patients} "
        f"{'patient' if summary.patients == 1 else 'patients'}; explained class: {summary.target_class}.",
        f"- Arms: {', '.join(summary.arms)}; reference arm: {summary.reference_arm}; "
        f"seeds: {', '.join(map(str, seeds))}. Values are means over seeds.",
        f"- Intervals: {summary.confidence:.0%}, Student's t with training seeds and clusters both drawn at "
        "random, Satterthwaite's degrees of freedom."
        + (" With one seed they hold for these networks alone." if len(seeds) == 1 else ""),
    ]
    lines += [f"- Intervals are {note}." if note[0] == "c" else f"- {note}." for note in summary.clustering]
    told = (summary.trained_on, summary.explained, summary.looks, summary.pooling, summary.weak_labels)
    lines += [f"- {words[0].upper()}{words[1:]}." for words in told if words]
    return [*lines, f"- Split: `{summary.split_hash[:16] or 'not given'}`."]


def _failed(summary: ComparisonSummary) -> Lines:
    if not summary.failed_slides:
        return ["None."]
    return table(("slide", "reason"), sorted(summary.failed_slides.items()))

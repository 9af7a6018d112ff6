"""The paragraphs above the tables: how to read them."""

from collections.abc import Iterable

from tasks.comparison.row import Row
from tasks.comparison.summary import ComparisonSummary
from tasks.comparison.wording import MOST_COLUMNS
from tasks.statistics.printing import ARROWS, DRAWN, FLAGGED


def caption_of(title: str, summary: ComparisonSummary, body: Iterable[str], rows: Iterable[Row]) -> str:
    """Return the paragraph above ``body`` in the section ``title``. Empty if none is needed."""
    if title == "Prediction":
        return _prediction(summary)
    if title == "Differences":
        return _differences(summary)
    if title == "Faithfulness":
        marked = _MARKED if len(summary.arms) > MOST_COLUMNS else ""
        return _FAITHFULNESS + rival_caption(rows) + marked + drawn_caption(body)
    return _PLAIN.get(title, "")


def rival_caption(rows: Iterable[Row]) -> str:
    """Return which controls are no rivals by which metrics, and why. Empty if all are rivals."""
    excused = [row for row in rows if row.is_control and not row.is_rival]
    if not excused:
        return ""
    metrics, controls = (
        ", ".join(dict.fromkeys(names))
        for names in ((row.metric for row in excused), (row.explainer for row in excused))
    )
    return (
        f" {metrics} {'asks' if ',' not in metrics else 'ask'} whether a map depends on the network. "
        f"Controls that contain an explainer ({controls}) depend on a network by construction. By these "
        "metrics, explainers must only beat controls that see no network."
    )


def drawn_caption(body: Iterable[str]) -> str:
    """Return what the error of a metric's own draws means. Empty if ``body`` prints no such error."""
    return _DRAWN if any(DRAWN in line for line in body) else ""


_ARROWS = f"{ARROWS['higher']} higher is more faithful, {ARROWS['lower']} lower is. No arrow: neither."
_FAITHFULNESS = (
    f"{_ARROWS} Lines marked *control* are maps that see no trained model. A score is flagged unless its "
    "paired difference to every control in the same arm lies on the better side: it is no evidence for the "
    "explainer on this data. *Behind* is said after Holm's correction over the controls, *not told apart* "
    "where the interval of the difference holds 0. A score *on* a class is that of the tiles with its label."
)
_MARKED = f" Controls are the columns in *italics*. {FLAGGED} marks a flagged score."
_DRAWN = (
    f" {DRAWN}: the standard error of the mean from the metric's own random draws. It is printed if it "
    "exceeds a tenth of the interval's half width. The interval includes it, and more draws would narrow it."
)
_PLAIN = {
    "The network itself": (
        "Scores of the network that need no map. If a score is no mean over tiles, its units are slides. "
        "Each slide then has a jackknife pseudo-value, its contribution to the score of all slides, which "
        "may lie outside the range of the score."
    ),
    "Explainers against one another": (
        "Each explainer minus the reference explainer in the same arm, paired by seed and unit. *p (Holm)* "
        "is corrected over all differences of this kind. Differences that are claims are corrected among the "
        "claims alone."
    ),
    "Explainers against the strongest control": (
        "The explainer minus the best rival control in the same arm, paired by seed and unit. *Ahead* and "
        "*behind*: the whole interval is, *behind* after Holm's correction over all controls. All pairs are "
        "in `comparison.parquet`."
    ),
}


def _prediction(summary: ComparisonSummary) -> str:
    return (
        f"A slide's score is {summary.slide_score}. "
        f"At 0.5 or above it is predicted as {summary.target_class}. "
        f"{_truth(summary)} AUROC: "
        f"{summary.target_class} against the rest. ECE: expected calibration error of the top class. "
        "A dash: not defined, for instance AUROC if all slides have one label."
    )


def _truth(summary: ComparisonSummary) -> str:
    if summary.level == "slide":
        return "Labels are those of the manifest."
    return f"A slide is positive if a tile is labelled {summary.target_class} or crosses an outline."


def _differences(summary: ComparisonSummary) -> str:
    return (
        f"Each arm minus {summary.reference_arm}, paired by seed and unit. *p (Holm)* is corrected within "
        "its family (primary, performance, the network, faithfulness). *Detectable*: the smallest true "
        "difference that a study like this one finds with a power of 0.8, by the rule of this table. If it "
        "is large, *cannot tell* says that there is little data. *sd*: standard deviations of the "
        "difference between training seeds, between clusters, and of a seed and a cluster together. *Over* a "
        "control: a score of removal minus that of a map which sees no network, on the same network. How an "
        "output falls when pixels go is a property of the network, too; what a map adds to that is its own."
    )

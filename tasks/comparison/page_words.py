"""What stands above the tables of the page: how to read them."""

from collections.abc import Iterable

from tasks.comparison.rows import Row
from tasks.comparison.summary import Summary
from tasks.comparison.wording import MOST_COLUMNS
from tasks.statistics.printing import ARROWS, DRAWN, FLAGGED


def words_on(title: str, summary: Summary, body: Iterable[str], rows: Iterable[Row]) -> str:
    """Return the paragraph above ``body`` in the section ``title``; empty where it speaks for itself."""
    if title == "Prediction":
        return _prediction(summary)
    if title == "Differences":
        return _differences(summary)
    if title == "Faithfulness":
        marked = _MARKED if len(summary.arms) > MOST_COLUMNS else ""
        return _FAITHFULNESS + rival_words(rows) + marked + drawn_words(body)
    return _PLAIN.get(title, "")


def rival_words(rows: Iterable[Row]) -> str:
    """Return which controls are not to be beaten by which metrics, and why; nothing where all are."""
    excused = [row for row in rows if row.is_control and not row.is_rival]
    if not excused:
        return ""
    metrics, controls = (
        ", ".join(dict.fromkeys(names))
        for names in ((row.metric for row in excused), (row.explainer for row in excused))
    )
    return (
        f" Whether a map depends on the network is what {metrics} "
        f"{'asks' if ',' not in metrics else 'ask'}: controls that hold an explainer ({controls}) follow a "
        "network by construction, so there only those that see no network are to be beaten."
    )


def drawn_words(body: Iterable[str]) -> str:
    """Return what the error of a metric's own draws is, where ``body`` prints one; else nothing."""
    return _DRAWN if any(DRAWN in line for line in body) else ""


_ARROWS = f"{ARROWS['higher']} higher is more faithful, {ARROWS['lower']} lower is; no arrow: neither."
_FAITHFULNESS = (
    f"{_ARROWS} Lines marked *control* are maps that see no trained model. Where a control does as well as "
    "an explainer in the same arm, the score is flagged: it is then no evidence for the explainer on this "
    "data."
)
_MARKED = (
    f" Controls are the columns in *italics*; {FLAGGED} marks a flagged score, and why stands beside it."
)
_DRAWN = (
    f" {DRAWN}: the standard error that a metric's own random draws leave in the mean, printed where it is "
    "above a tenth of the interval's half width; the interval holds it, and more draws would narrow it."
)
_PLAIN = {
    "The network itself": (
        "Figures of the network that need no map. Where a figure is no mean over tiles its units are slides: "
        "each has its jackknife pseudo-value, what the slide contributes to the figure of all of them, which "
        "may lie outside the figure's own range."
    ),
    "Explainers against one another": (
        "Each explainer less the reference explainer in the same arm, paired by seed and unit; *p (Holm)* is "
        "corrected over all differences of this kind: where the smallest attainable p times their number "
        "exceeds the level, none can stand, whatever its interval. A question asked by a claim is corrected "
        "over the claims alone."
    ),
    "Explainers against the strongest control": (
        "The explainer less that control which does best in the same arm, of those to be beaten, paired by "
        "seed and unit. All pairs are in `comparison.parquet`."
    ),
}


def _prediction(summary: Summary) -> str:
    return (
        f"A slide's score is {summary.slide_score}; "
        f"at 0.5 or above it counts as {summary.target_class}. "
        "A slide is positive where a tile is labelled so or crossed by the outline. AUROC: "
        f"{summary.target_class} against the rest. ECE: expected calibration error of the top class. "
        "A dash: not defined, for instance AUROC where all slides have one label."
    )


def _differences(summary: Summary) -> str:
    return (
        f"Each arm less {summary.reference_arm}, paired by seed and unit. *p (Holm)* is corrected within its "
        "family (primary; performance; the network; faithfulness). *Smallest p*: the lowest uncorrected p "
        "that these seeds, clusters and draws can give. *Detectable*: the smallest true difference found "
        "with a power of 0.8. Where either is large, *cannot tell* is a statement about the amount of data."
    )

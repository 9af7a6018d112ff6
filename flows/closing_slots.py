"""The slots at the end of a study, where all that was made comes together: comparison and recording."""

from collections.abc import Iterable, Mapping

from flows.drawing_slots import heatmap_slots
from flows.evaluate_slots import model_slots, report_slots
from flows.explain_slots import calibration_slots, exemplar_slots, prediction_slots
from flows.places import explained, places, tiles_of
from flows.session import Session
from flows.slot import Slot
from tasks.plugins import recipe_of
from tasks.slides.manifest import SlideRow


def comparison_slot(session: Session, slides: Iterable[SlideRow], failed: Mapping[str, str]) -> Slot:
    """The one place where all arms stand side by side; what failed is part of what it says."""
    rows = list(slides)
    made = [
        *prediction_slots(session, rows),
        *report_slots(session, rows),
        *model_slots(session, rows),
    ]
    labels = [*(place.checkpoint for place in places(session)), *(slot.label for slot in made)]
    pooling = ("tasks.comparison.rows.pooling",) if session.folds else ()
    return Slot(
        stage="compare",
        label="compare",
        kind="Comparison",
        recipe={
            # Whole: the ids of claims are in what it writes.
            "comparison": session.config.compare.model_dump(mode="json"),
            "study": session.config.study,
            "arms": [arm.id for arm in session.config.train.arms],
            "explainers": {e.id: recipe_of(e) for e in session.config.explain.everything},
            "metrics": {m.id: recipe_of(m) for m in session.config.evaluate.metrics},
            "model_metrics": {m.id: recipe_of(m) for m in session.config.evaluate.model_metrics},
            "failed": dict(failed),
        },
        modules=("tasks.comparison.compare", *pooling),
        needs={**{label: label for label in labels}, **tiles_of(explained(session, rows))},
    )


def record_slot(session: Session, slides: Iterable[SlideRow]) -> Slot:
    """The place that stands for what MLflow holds of the study."""
    rows = list(slides)
    shown = [
        *prediction_slots(session, rows),
        *report_slots(session, rows),
        *model_slots(session, rows),
        *heatmap_slots(session, rows),
        *calibration_slots(session, rows),
        *exemplar_slots(session, rows),
    ]
    labels = [
        "compare",
        "review",
        *(place.checkpoint for place in places(session)),
        *(slot.label for slot in shown),
    ]
    return Slot(
        stage="record",
        label="record",
        kind="Recording",
        recipe={"record": recipe_of(session.config.record), "study": session.config.study},
        modules=("tasks.tracking.study",),
        needs={**{label: label for label in labels}, **tiles_of(rows)},
    )

"""The slots of the evaluate stage: how faithful maps are, and what is measured on the models themselves."""

from collections.abc import Iterable

from flows.explain_slots import calibration_of
from flows.places import Place, explaining, tiles_of
from flows.session import Session
from flows.slot import Slot
from flows.slots import target_of
from tasks.artifacts.faithfulness_report import MODEL
from tasks.explainers.base import Explainer
from tasks.faithfulness.base import Metric
from tasks.model_metrics.base import ModelMetric
from tasks.plugins import modules_of, recipe_of
from tasks.slides.manifest import SlideRow


def report_slots(session: Session, slides: Iterable[SlideRow]) -> list[Slot]:
    """One place a model, explainer or control, and metric."""
    return [
        _report_slot(session, place, explainer, metric, rows)
        for place, rows in explaining(session, slides)
        for explainer in session.config.explain.everything
        for metric in session.config.evaluate.metrics
    ]


def _report_slot(
    session: Session, place: Place, explainer: Explainer, metric: Metric, rows: list[SlideRow]
) -> Slot:
    maps = {f"maps/{r.slide_id}": f"explain/{place.label}/{explainer.id}/{r.slide_id}" for r in rows}
    calls = "attribution" in metric.needs
    return Slot(
        stage="evaluate",
        label=f"evaluate/{place.label}/{explainer.id}/{metric.id}",
        kind="FaithfulnessReport",
        recipe={
            "metric": recipe_of(metric),
            "target": target_of(session),
            "device": session.device,
            "seed": session.config.evaluate.seed,
            # Of other metrics a map is all that is known: whoever made the same one scores the same.
            **({"explainer": recipe_of(explainer)} if calls else {}),
        },
        modules=(
            "tasks.evaluation.plan",
            "tasks.models.classifier",
            *modules_of(metric),
            *(modules_of(explainer) if calls else ()),
        ),
        coords={**place.coords, "explainer": explainer.id, "metric": metric.id},
        needs={
            "checkpoint": place.checkpoint,
            **tiles_of(rows),
            **maps,
            **(calibration_of(session, place, explainer) if calls else {}),
        },
        about=(explainer, metric),
    )


def model_slots(session: Session, slides: Iterable[SlideRow]) -> list[Slot]:
    """One place a model and model metric; its report stands where an explainer would, as ``model``."""
    return [
        _model_slot(session, place, metric, rows)
        for place, rows in explaining(session, slides)
        for metric in session.config.evaluate.model_metrics
    ]


def _model_slot(session: Session, place: Place, metric: ModelMetric, rows: list[SlideRow]) -> Slot:
    return Slot(
        stage="evaluate",
        label=f"evaluate/{place.label}/{MODEL}/{metric.id}",
        kind="FaithfulnessReport",
        recipe={
            "model_metric": recipe_of(metric),
            "target": target_of(session),
            "device": session.device,
            "seed": session.config.evaluate.seed,
        },
        modules=("tasks.model_metrics.base", "tasks.models.classifier", *modules_of(metric)),
        coords={**place.coords, "explainer": MODEL, "metric": metric.id},
        needs={"checkpoint": place.checkpoint, **tiles_of(rows)},
        about=metric,
    )

"""The slots of what is measured on a model itself, without an explainer."""

from collections.abc import Iterable

from flows.places import Place, explaining, tiles_of
from flows.session import Session
from flows.slot import Slot
from flows.slots import target_of
from tasks.artifacts.faithfulness_report import MODEL
from tasks.model_metrics.base import ModelMetric
from tasks.plugins import modules_of, recipe_of
from tasks.slides.manifest import SlideRow


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
        modules=("tasks.model_metrics.plan", "tasks.models.classifier", *modules_of(metric)),
        coords={**place.coords, "explainer": MODEL, "metric": metric.id},
        needs={"checkpoint": place.checkpoint, **tiles_of(rows)},
        about=metric,
    )

"""The slots of drawings: the colour scale of each explainer, its heatmaps, and the review page."""

from collections.abc import Iterable, Mapping

from flows.evaluate_slots import report_slots
from flows.explain_slots import attribution_slots, prediction_slots
from flows.places import Place, explained, explaining, tiles_of
from flows.session import Session
from flows.slot import Slot
from flows.slots import target_of
from tasks.explainers.base import Explainer
from tasks.plugins import recipe_of
from tasks.reporting.review.document import page_digest
from tasks.slides.manifest import SlideRow


def scale_slots(session: Session, slides: Iterable[SlideRow]) -> list[Slot]:
    """One place an explainer or control: the colour scale of its maps of all models and slides."""
    rows = list(slides)
    pairs = [(place, row) for place, own in explaining(session, rows) for row in own]
    return [
        Slot(
            stage="explain",
            label=f"scale/{explainer.id}",
            kind="ColourScale",
            recipe={"scale": session.config.explain.heatmaps.scale.model_dump(mode="json")},
            modules=("tasks.reporting.maps.scale",),
            coords={"explainer": explainer.id},
            needs={
                **tiles_of(explained(session, rows)),
                **{f"maps/{row.slide_id}/{place.label}": _map(place, explainer, row) for place, row in pairs},
            },
        )
        for explainer in session.config.explain.everything
    ]


def heatmap_slots(session: Session, slides: Iterable[SlideRow]) -> list[Slot]:
    """One place an explainer and slide: the maps of all models that explain it, drawn on one scale."""
    rows = list(slides)
    drawn: dict[str, list[Place]] = {}
    for place, own in explaining(session, rows):
        for row in own:
            drawn.setdefault(row.slide_id, []).append(place)
    return [
        _heatmap_slot(session, drawn[row.slide_id], explainer, row)
        for explainer in session.config.explain.explainers
        for row in explained(session, rows)
    ]


def _heatmap_slot(session: Session, drawn: list[Place], explainer: Explainer, row: SlideRow) -> Slot:
    return Slot(
        stage="explain",
        label=f"heatmap/{explainer.id}/{row.slide_id}",
        kind="Heatmaps",
        recipe={
            "explainer": explainer.id,
            "target": target_of(session),
            "heatmaps": recipe_of(session.config.explain.heatmaps),
            "top_share": session.config.compare.top_share,
        },
        modules=("tasks.reporting.heatmaps.draw",),
        coords={"explainer": explainer.id, "slide": row.slide_id},
        needs={
            "tiles": f"tile/{row.slide_id}",
            "scale": f"scale/{explainer.id}",
            **{f"maps/{place.label}": _map(place, explainer, row) for place in drawn},
            **{f"predictions/{place.label}": f"predict/{place.label}" for place in drawn},
        },
        about=explainer,
    )


def review_slot(session: Session, slides: Iterable[SlideRow], failed: Mapping[str, str]) -> Slot:
    """The one place where a person looks at every map beside its scores; what failed is shown too."""
    rows = list(slides)
    made = [
        *prediction_slots(session, rows),
        *attribution_slots(session, rows),
        *report_slots(session, rows),
        *scale_slots(session, rows),
    ]
    labels = [*(slot.label for slot in made), "compare"]
    compare = session.config.compare
    return Slot(
        stage="compare",
        label="review",
        kind="ReviewPage",
        recipe={
            "study": session.config.study,
            "target": target_of(session),
            "classes": session.config.tile.classes,
            "heatmaps": recipe_of(session.config.explain.heatmaps),
            "explainers": {e.id: recipe_of(e) for e in session.config.explain.everything},
            "statistics": compare.model_dump(include={"draws", "seed", "confidence", "top_share"}),
            "failed": dict(failed),
            # Scripts and styles are no modules, so code does not tell of them.
            "page": page_digest(),
        },
        modules=("tasks.reporting.review.write",),
        needs={**{label: label for label in labels}, **tiles_of(explained(session, rows))},
    )


def _map(place: Place, explainer: Explainer, row: SlideRow) -> str:
    return f"explain/{place.label}/{explainer.id}/{row.slide_id}"

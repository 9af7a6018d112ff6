"""The slots of the explain stage: predictions, calibrations, maps and their drawings."""

from collections.abc import Iterable

from flows.places import Place, explained, explaining, tiles_of
from flows.session import Session
from flows.slot import Slot
from flows.slots import target_of
from tasks.explainers.base import Explainer
from tasks.plugins import modules_of, recipe_of
from tasks.slides.manifest import SlideRow


def prediction_slots(session: Session, slides: Iterable[SlideRow]) -> list[Slot]:
    """One place a model: its logits on the slides that it explains."""
    return [
        Slot(
            stage="explain",
            label=f"predict/{place.label}",
            kind="PredictionSet",
            recipe={"device": session.device},
            modules=("tasks.faithfulness._predict", "tasks.models.classifier"),
            coords=place.coords,
            needs={"checkpoint": place.checkpoint, **tiles_of(rows)},
        )
        for place, rows in explaining(session, slides)
    ]


def attribution_slots(session: Session, slides: Iterable[SlideRow]) -> list[Slot]:
    """One place a model, explainer or control, and slide that the model explains."""
    return [
        _attribution_slot(session, place, explainer, row)
        for place, rows in explaining(session, slides)
        for explainer in session.config.explain.everything
        for row in rows
    ]


def _attribution_slot(session: Session, place: Place, explainer: Explainer, row: SlideRow) -> Slot:
    return Slot(
        stage="explain",
        label=f"explain/{place.label}/{explainer.id}/{row.slide_id}",
        kind="AttributionSet",
        recipe={
            "explainer": recipe_of(explainer),
            "target": target_of(session),
            "device": session.device,
            **_sample(session),
        },
        modules=("tasks.explainers._slide", "tasks.models.classifier", *modules_of(explainer)),
        coords={**place.coords, "explainer": explainer.id, "slide": row.slide_id},
        needs={"checkpoint": place.checkpoint, "tiles": f"tile/{row.slide_id}"},
        about=explainer,
    )


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
        modules=("tasks.heatmaps.draw",),
        coords={"explainer": explainer.id, "slide": row.slide_id},
        needs={
            "tiles": f"tile/{row.slide_id}",
            **{f"maps/{p.label}": f"explain/{p.label}/{explainer.id}/{row.slide_id}" for p in drawn},
            **{f"predictions/{p.label}": f"predict/{p.label}" for p in drawn},
        },
        about=explainer,
    )


def _sample(session: Session) -> dict[str, int]:
    """Return the sample of tiles where there is one: maps of all tiles need not know that there might be."""
    most = session.config.explain.tiles_per_slide
    return {} if most is None else {"tiles_per_slide": most}

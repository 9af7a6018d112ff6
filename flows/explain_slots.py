"""The slots of the explain stage: predictions, calibrations, maps, and explanations that are no maps."""

from collections.abc import Iterable

from flows.places import Place, explaining, tiles_of
from flows.session import Session
from flows.slot import Slot
from flows.slots import target_of
from tasks.calibration.recipe import CalibrationRecipe
from tasks.exemplars.base import Exemplars
from tasks.explainers.base import Explainer
from tasks.plugins import modules_of, recipe_of
from tasks.slides.manifest import SlideRow


def prediction_slots(session: Session, slides: Iterable[SlideRow]) -> list[Slot]:
    """One place a model: its logits on the slides that it explains."""
    return [
        Slot(
            stage="explain",
            label=f"predict/{place.label}",
            kind="Predictions",
            recipe={"device": session.device},
            modules=("tasks.models.predict", "tasks.models.classifier"),
            coords=place.coords,
            needs={"checkpoint": place.checkpoint, **tiles_of(rows)},
        )
        for place, rows in explaining(session, slides)
    ]


def calibration_slots(session: Session, slides: Iterable[SlideRow]) -> list[Slot]:
    """One place a model and search for sigma; explainers that ask for the same one share it."""
    rows = list(slides)
    return [
        _calibration_slot(session, place, name, rows)
        for place, _ in explaining(session, rows)
        for name in dict.fromkeys(_searches(session).values())
    ]


def _calibration_slot(session: Session, place: Place, name: str, rows: list[SlideRow]) -> Slot:
    recipe = next(found for found, known in _searches(session).items() if known == name)
    return Slot(
        stage="explain",
        label=f"calibrate/{place.label}/{name}",
        kind="Calibration",
        recipe={"calibration": recipe.model_dump(mode="json"), "device": session.device},
        modules=("tasks.calibration.search", "tasks.models.classifier"),
        coords={**place.coords, "explainer": name},
        needs={
            "checkpoint": place.checkpoint,
            **tiles_of(row for row in place.learns_from(rows) if row.split == "val"),
        },
        about=recipe,
    )


def calibration_of(session: Session, place: Place, explainer: Explainer) -> dict[str, str]:
    """Return the calibration that ``explainer`` waits for as an input of a slot; empty where for none."""
    recipe = explainer.calibration_recipe()
    return {} if recipe is None else {"calibration": f"calibrate/{place.label}/{_searches(session)[recipe]}"}


def _searches(session: Session) -> dict[CalibrationRecipe, str]:
    """Return each search for sigma with the id of the first explainer that asks for it."""
    found: dict[CalibrationRecipe, str] = {}
    for explainer in session.config.explain.everything:
        recipe = explainer.calibration_recipe()
        if recipe is not None:
            found.setdefault(recipe, explainer.id)
    return found


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
        kind="Attributions",
        recipe={
            "explainer": recipe_of(explainer),
            "target": target_of(session),
            "device": session.device,
            **_sample(session),
        },
        modules=("tasks.explaining.slide", "tasks.models.classifier", *modules_of(explainer)),
        coords={**place.coords, "explainer": explainer.id, "slide": row.slide_id},
        needs={
            "checkpoint": place.checkpoint,
            "tiles": f"tile/{row.slide_id}",
            **calibration_of(session, place, explainer),
        },
        about=explainer,
    )


def exemplar_slots(session: Session, slides: Iterable[SlideRow]) -> list[Slot]:
    """One place a model and method that shows tiles or pictures instead of maps."""
    rows = list(slides)
    return [
        _exemplar_slot(session, place, method, (place.learns_from(rows), own))
        for place, own in explaining(session, rows)
        for method in session.config.explain.exemplars
    ]


def _exemplar_slot(
    session: Session, place: Place, method: Exemplars, rows: tuple[list[SlideRow], list[SlideRow]]
) -> Slot:
    learnt = {f"train/{row.slide_id}": f"tile/{row.slide_id}" for row in rows[0] if row.split == "train"}
    return Slot(
        stage="explain",
        label=f"exemplars/{place.label}/{method.id}",
        kind="ExemplarSet",
        recipe={
            "exemplars": recipe_of(method),
            "target": target_of(session),
            "device": session.device,
            # It stands in the titles of the pictures.
            "place": place.label,
        },
        modules=("tasks.exemplars.base", "tasks.models.classifier", *modules_of(method)),
        coords={**place.coords, "explainer": method.id},
        needs={"checkpoint": place.checkpoint, **learnt, **tiles_of(rows[1])},
        about=method,
    )


def _sample(session: Session) -> dict[str, int]:
    """Return the sample of tiles where there is one: maps of all tiles need not know that there might be."""
    most = session.config.explain.tiles_per_slide
    return {} if most is None else {"tiles_per_slide": most}

"""The slots of a study: every part that its config and manifest call for, known before anything runs.

Here are those of tiling and training; the others lie in :mod:`flows.explain_slots`,
:mod:`flows.drawing_slots`, :mod:`flows.evaluate_slots` and :mod:`flows.closing_slots`.
"""

from collections.abc import Iterable
from typing import Any

from flows.places import Place, places, tiles_of
from flows.session import Session
from flows.slot import Slot
from tasks.plugins import Plugin, modules_of, recipe_of
from tasks.slides.manifest import SlideRow, input_files


def tile_slots(session: Session) -> list[Slot]:
    """One place a slide."""
    recipe = recipe_of(session.config.tile)
    return [_tile_slot(session, row, recipe) for row in session.slides]


def _tile_slot(session: Session, row: SlideRow, recipe: Any) -> Slot:
    said = row.model_dump(mode="json", include={"slide_id", "patient_id", "site", "split", "label", "mpp"})
    return Slot(
        stage="tile",
        label=f"tile/{row.slide_id}",
        kind="TileSet",
        recipe={"tiling": recipe, "slide": said},
        modules=("tasks.tiling.build",),
        coords={"slide": row.slide_id},
        files={name: f"sha256:{session.hashes[path]}" for name, path in input_files(row).items()},
        about=row,
    )


def train_slots(session: Session, slides: Iterable[SlideRow]) -> list[Slot]:
    """One place an arm, fold and seed, made from the tiles of train and val alone."""
    rows = list(slides)
    return [_train_slot(session, place, rows) for place in places(session)]


def _train_slot(session: Session, place: Place, slides: list[SlideRow]) -> Slot:
    arm, stage = place.arm, session.config.train
    seen = place.learns_from(slides)
    recipe = {
        "training": _without_init(recipe_of(arm.applied_to(stage.recipe))),
        "regularizers": recipe_of(arm.regularizers),
        "device": _arithmetic(session),
        "shared_patients": sorted(session.config.shared_patients),
        **({} if arm.sites is None else {"sites": sorted(arm.sites)}),
    }
    # The tiles name the split of the manifest; in a fold a slide has another role, and that is recipe.
    roles = {} if place.fold is None else {"roles": {row.slide_id: row.split for row in seen}}
    return Slot(
        stage="train",
        label=place.checkpoint,
        kind="Checkpoint",
        recipe={**recipe, **roles},
        modules=(_trainer(session), *_modules(arm.regularizers)),
        coords=place.coords,
        needs=tiles_of(seen),
        files=_initial_weights(session),
        seed=place.seed,
        about=arm,
    )


def target_of(session: Session) -> int:
    """Return the index of the explained class."""
    return session.config.tile.classes.index(session.config.train.recipe.target_class)


def _arithmetic(session: Session) -> str:
    """Return what decides the last bits of training: the kind of device, processes, on a CPU also threads."""
    config = session.config
    one = session.device if session.device != "cpu" else f"cpu, {config.cpu_threads} threads"
    return one if config.processes == 1 else f"{one}, {config.processes} processes"


def _trainer(session: Session) -> str:
    return "tasks.training.train" if session.config.processes == 1 else "tasks.training.worker"


def _without_init(recipe: dict[str, Any]) -> dict[str, Any]:
    """Leave out where initial weights lie; their bytes count, as an input."""
    network = {name: value for name, value in recipe["network"].items() if name != "init"}
    return {**recipe, "network": network}


def _initial_weights(session: Session) -> dict[str, str]:
    path = session.config.train.recipe.network.init
    return {"init": f"sha256:{session.hashes[path]}"} if path else {}


def _modules(plugins: Iterable[Plugin]) -> tuple[str, ...]:
    return tuple(sorted({module for plugin in plugins for module in modules_of(plugin)}))

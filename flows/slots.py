"""The places of a study: every part that its config and manifest call for, known before anything runs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flows.session import Session
from flows.slot import Slot
from tasks.explainers.base import Explainer
from tasks.faithfulness.base import Metric
from tasks.plugins import Plugin, modules_of, recipe_of
from tasks.slides.manifest import SlideRow, input_files
from tasks.training.recipe import ArmRecipe


def tile_slots(session: Session) -> list[Slot]:
    """One place a slide."""
    recipe = recipe_of(session.config.tile)
    return [_tile_slot(session, row, recipe) for row in session.manifest.slides]


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
    """One place an arm and seed, made from the tiles of train and val alone."""
    stage = session.config.train
    needs = {f"tiles/{r.slide_id}": f"tile/{r.slide_id}" for r in slides if r.split != "test"}
    return [
        Slot(
            stage="train",
            label=f"train/{arm.id}/seed{seed}",
            kind="Checkpoint",
            recipe={
                "training": _without_init(recipe_of(arm.applied_to(stage.recipe))),
                "regularizers": recipe_of(arm.regularizers),
                "device": _arithmetic(session),
                "shared_patients": sorted(session.config.shared_patients),
            },
            modules=("tasks.training.train", *_modules(arm.regularizers)),
            coords={"arm": arm.id, "seed": str(seed)},
            needs=needs,
            files=_initial_weights(session),
            seed=seed,
            about=arm,
        )
        for arm in stage.arms
        for seed in stage.seeds
    ]


def attribution_slots(session: Session, slides: Iterable[SlideRow]) -> list[Slot]:
    """One place an arm, seed, explainer or control, and explained slide."""
    rows = explained(session, slides)
    return [
        _attribution_slot(session, place, explainer, row)
        for place in _places(session)
        for explainer in session.config.explain.everything
        for row in rows
    ]


def _attribution_slot(session: Session, place: "Place", explainer: Explainer, row: SlideRow) -> Slot:
    return Slot(
        stage="explain",
        label=f"explain/{place.label}/{explainer.id}/{row.slide_id}",
        kind="AttributionSet",
        recipe={"explainer": recipe_of(explainer), "target": target_of(session), "device": session.device},
        modules=("tasks.explainers._slide", "tasks.models.classifier", *modules_of(explainer)),
        coords={**place.coords, "explainer": explainer.id, "slide": row.slide_id},
        needs={"checkpoint": place.checkpoint, "tiles": f"tile/{row.slide_id}"},
        about=explainer,
    )


def heatmap_slots(session: Session, slides: Iterable[SlideRow]) -> list[Slot]:
    """One place an explainer and slide: the maps of all arms and seeds, drawn on one scale."""
    return [
        Slot(
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
                **_maps_on(session, explainer, row),
                **{f"predictions/{p.label}": f"predict/{p.label}" for p in _places(session)},
            },
            about=explainer,
        )
        for explainer in session.config.explain.explainers
        for row in explained(session, slides)
    ]


def _maps_on(session: Session, explainer: Explainer, row: SlideRow) -> dict[str, str]:
    return {f"maps/{p.label}": f"explain/{p.label}/{explainer.id}/{row.slide_id}" for p in _places(session)}


def prediction_slots(session: Session, slides: Iterable[SlideRow]) -> list[Slot]:
    """One place an arm and seed: its logits on the explained slides."""
    rows = explained(session, slides)
    return [
        Slot(
            stage="explain",
            label=f"predict/{place.label}",
            kind="PredictionSet",
            recipe={"device": session.device},
            modules=("tasks.faithfulness._predict", "tasks.models.classifier"),
            coords=place.coords,
            needs={"checkpoint": place.checkpoint, **_tiles(rows)},
        )
        for place in _places(session)
    ]


def report_slots(session: Session, slides: Iterable[SlideRow]) -> list[Slot]:
    """One place an arm, seed, explainer or control, and metric."""
    rows = explained(session, slides)
    return [
        _report_slot(session, place, explainer, metric, rows)
        for place in _places(session)
        for explainer in session.config.explain.everything
        for metric in session.config.evaluate.metrics
    ]


def _report_slot(
    session: Session, place: "Place", explainer: Explainer, metric: Metric, rows: list[SlideRow]
) -> Slot:
    maps = {f"maps/{r.slide_id}": f"explain/{place.label}/{explainer.id}/{r.slide_id}" for r in rows}
    return Slot(
        stage="evaluate",
        label=f"evaluate/{place.label}/{explainer.id}/{metric.id}",
        kind="FaithfulnessReport",
        recipe={
            "metric": recipe_of(metric),
            "target": target_of(session),
            "device": session.device,
            "seed": session.config.evaluate.seed,
        },
        modules=("tasks.faithfulness.plan", "tasks.models.classifier", *modules_of(metric)),
        coords={**place.coords, "explainer": explainer.id, "metric": metric.id},
        needs={"checkpoint": place.checkpoint, **_tiles(rows), **maps},
        about=(explainer.id, metric),
    )


@dataclass(frozen=True)
class Place:
    """One arm with one seed."""

    arm: ArmRecipe
    seed: int

    @property
    def label(self) -> str:
        """``<arm>/seed<seed>``."""
        return f"{self.arm.id}/seed{self.seed}"

    @property
    def coords(self) -> dict[str, str]:
        """The coordinates that selectors look at."""
        return {"arm": self.arm.id, "seed": str(self.seed)}

    @property
    def checkpoint(self) -> str:
        """The label of its checkpoint."""
        return f"train/{self.label}"


def comparison_slot(session: Session, slides: Iterable[SlideRow], failed: Mapping[str, str]) -> Slot:
    """The one place where all arms stand side by side; what failed is part of what it says."""
    rows = explained(session, slides)
    reports = {s.label: s.label for s in report_slots(session, slides)}
    predictions = {s.label: s.label for s in prediction_slots(session, slides)}
    checkpoints = {p.checkpoint: p.checkpoint for p in _places(session)}
    return Slot(
        stage="compare",
        label="compare",
        kind="Comparison",
        recipe={
            "comparison": recipe_of(session.config.compare),
            "study": session.config.study,
            "arms": [arm.id for arm in session.config.train.arms],
            "explainers": {e.id: recipe_of(e) for e in session.config.explain.everything},
            "metrics": {m.id: recipe_of(m) for m in session.config.evaluate.metrics},
            "failed": dict(failed),
        },
        modules=("tasks.comparison.compare",),
        needs={**checkpoints, **predictions, **reports, **_tiles(rows)},
    )


def record_slot(session: Session, slides: Iterable[SlideRow]) -> Slot:
    """The place that stands for what MLflow holds of the study."""
    rows = list(slides)
    shown = [*prediction_slots(session, rows), *report_slots(session, rows), *heatmap_slots(session, rows)]
    labels = ["compare", *(place.checkpoint for place in _places(session)), *(slot.label for slot in shown)]
    return Slot(
        stage="record",
        label="record",
        kind="Recording",
        recipe={"record": recipe_of(session.config.record), "study": session.config.study},
        modules=("tasks.tracking.study",),
        needs={**{label: label for label in labels}, **_tiles(rows)},
    )


def explained(session: Session, slides: Iterable[SlideRow]) -> list[SlideRow]:
    """Return the slides of the splits that are explained and evaluated."""
    return [row for row in slides if row.split in session.config.explain.splits]


def _places(session: Session) -> list[Place]:
    stage = session.config.train
    return [Place(arm, seed) for arm in stage.arms for seed in stage.seeds]


def _tiles(rows: Iterable[SlideRow]) -> dict[str, str]:
    return {f"tiles/{row.slide_id}": f"tile/{row.slide_id}" for row in rows}


def target_of(session: Session) -> int:
    """Return the index of the explained class."""
    return session.config.tile.classes.index(session.config.train.recipe.target_class)


def _arithmetic(session: Session) -> str:
    """Return what decides the last bits of training: the kind of device, on a CPU also its threads."""
    return session.device if session.device != "cpu" else f"cpu, {session.config.cpu_threads} threads"


def _without_init(recipe: dict[str, Any]) -> dict[str, Any]:
    """Leave out where initial weights lie; their bytes count, as an input."""
    network = {name: value for name, value in recipe["network"].items() if name != "init"}
    return {**recipe, "network": network}


def _initial_weights(session: Session) -> dict[str, str]:
    path = session.config.train.recipe.network.init
    return {"init": f"sha256:{session.hashes[path]}"} if path else {}


def _modules(plugins: Iterable[Plugin]) -> tuple[str, ...]:
    return tuple(sorted({module for plugin in plugins for module in modules_of(plugin)}))

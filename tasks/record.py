"""Verb: put a finished study into MLflow."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from prefect import runtime, task
from prefect.cache_policies import NO_CACHE

from tasks.artifacts.calibration import Calibration
from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.exemplar_set import ExemplarSet
from tasks.artifacts.faithfulness_report import FaithfulnessReport
from tasks.artifacts.key import place_of
from tasks.artifacts.part import Order, Reference, digest_of, under
from tasks.artifacts.predictions import Predictions
from tasks.artifacts.store import Store
from tasks.artifacts.tile_set import TileSet
from tasks.reporting.review.write import PAGE
from tasks.tracking.job import (
    RecordedCheckpoint,
    RecordedDataset,
    RecordedHeatmaps,
    RecordedReport,
    RecordJob,
    dataset_of,
)
from tasks.tracking.study import record_study

FILE = "recording.json"

Slides = Mapping[str, tuple[str, ...]]
"""The slides of each split."""


@task(name="record", task_run_name="{order.part.label}", cache_policy=NO_CACHE, persist_result=False)
def record(
    order: Order, frame: RecordJob, controls: frozenset[str], slides: Mapping[int | None, Slides]
) -> Reference:
    """Return the reference of the Recording, which says where in MLflow the study lies.

    ``frame`` is the job without what lies in the store; ``slides`` are the tiled slides of each split, of
    the whole study (None) and of each fold.
    """
    store, inputs = Store(order.home), order.inputs
    datasets = {
        fold: tuple(_dataset(store, inputs, split, names) for split, names in splits.items())
        for fold, splits in slides.items()
    }
    checkpoints = (_checkpoint(store, inputs, place, controls) for place in under(inputs, "train/"))
    job = replace(
        frame,
        fingerprint=order.part.fingerprint,
        checkpoints=tuple(
            item if item.fold is None else replace(item, datasets=datasets[item.fold]) for item in checkpoints
        ),
        comparison=store.path(inputs["compare"]) if "compare" in inputs else None,
        review=store.path(inputs["review"]) / PAGE if "review" in inputs else None,
        heatmaps=_heatmaps(store, inputs),
        datasets=datasets[None],
        tags={"prefect.flow_run_id": str(runtime.flow_run.id or "")},
    )

    def write(out: Path) -> None:
        (out / FILE).write_text(record_study(job).model_dump_json(indent=1), encoding="utf-8")

    return store.reuse_or_build(order.part, write, force=order.force)


def _checkpoint(
    store: Store, inputs: Mapping[str, Reference], place: str, controls: frozenset[str]
) -> RecordedCheckpoint:
    at, _ = place_of(place)
    own, predicted = inputs[f"train/{place}"], inputs.get(f"predict/{place}")
    reports = under(inputs, f"evaluate/{place}/")
    found, more = under(inputs, f"calibrate/{place}/"), under(inputs, f"exemplars/{place}/")
    parts = {
        **reports,
        **under(inputs, "heatmap/"),
        **_named("calibrate", found),
        **_named("exemplars", more),
    }
    shown = {name: reference.digest for name, reference in parts.items()}
    stored = store.record(own)
    return RecordedCheckpoint(
        arm=at.arm,
        seed=at.seed,
        fold=at.fold,
        fingerprint=digest_of([own.digest, predicted and predicted.digest, shown]),
        digest=own.digest,
        checkpoint=Checkpoint(store.path(own)),
        predictions=Predictions(store.path(predicted)) if predicted else None,
        reports=tuple(_report(store, name, reference, controls) for name, reference in reports.items()),
        # Roles are as many as slides, and the datasets of the run tell them.
        params={k: v for k, v in stored.part.recipe.items() if k != "roles"}
        | {"fingerprint": own.fingerprint},
        measures=stored.measures,
        calibrations={name: Calibration(store.path(one)) for name, one in found.items()},
        exemplars={name: ExemplarSet(store.path(one)) for name, one in more.items()},
    )


def _named(kind: str, parts: Mapping[str, Reference]) -> dict[str, Reference]:
    return {f"{kind}/{name}": reference for name, reference in parts.items()}


def _report(store: Store, name: str, reference: Reference, controls: frozenset[str]) -> RecordedReport:
    explainer, metric = name.split("/")
    return RecordedReport(explainer, metric, explainer in controls, FaithfulnessReport(store.path(reference)))


def _heatmaps(store: Store, inputs: Mapping[str, Reference]) -> tuple[RecordedHeatmaps, ...]:
    drawn = under(inputs, "heatmap/").items()
    return tuple(_drawing(name, store.path(reference)) for name, reference in drawn)


def _drawing(name: str, folder: Path) -> RecordedHeatmaps:
    explainer, slide = name.split("/")
    return RecordedHeatmaps(explainer, slide, folder)


def _dataset(
    store: Store, inputs: Mapping[str, Reference], split: str, names: tuple[str, ...]
) -> RecordedDataset:
    references = [inputs[f"tiles/{name}"] for name in names]
    tile_sets = [TileSet(store.path(reference)) for reference in references]
    return dataset_of(split, split, tile_sets, [reference.digest for reference in references])

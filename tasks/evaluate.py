"""Verbs: measure every map of one checkpoint in one shared plan, and the checkpoint itself."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.artifacts.attributions import Attributions
from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.part import Order, Reference, under
from tasks.artifacts.store import Store
from tasks.artifacts.tile_set import TileSet
from tasks.evaluation.plan import EvaluationSettings, evaluate_parts
from tasks.evaluation.result import MetricResult
from tasks.evidence.evidence import Evidence
from tasks.explainers.base import Explainer
from tasks.explaining.resolved import resolved
from tasks.faithfulness.base import Metric
from tasks.model_metrics.base import MeasureSettings, ModelMetric, measure_model
from tasks.models.classifier import load_classifier
from tasks.samples.measured_tiles import MeasuredTiles


@task(name="evaluate", task_run_name="{place}", cache_policy=NO_CACHE, persist_result=False)
def evaluate(
    place: str,
    orders: Sequence[Order],
    wanted: Sequence[tuple[Explainer, Metric]],
    target: int,
    device: str,
    batch: int,
) -> tuple[Reference, ...]:
    """Return the references of the FaithfulnessReports of one checkpoint, in the order of ``orders``.

    The explainers are those that made the maps, with what they were calibrated to: some metrics call them.
    """
    store, inputs = Store(orders[0].home), orders[0].inputs
    checkpoint = Checkpoint(store.path(inputs["checkpoint"]))
    model = load_classifier(checkpoint, torch.device(device))
    evidence = Evidence(
        tile_sets=[TileSet(store.path(reference)) for reference in under(inputs, "tiles/").values()],
        attributions={
            explainer.id: _maps(store, order.inputs)
            for order, (explainer, _) in zip(orders, wanted, strict=True)
        },
        classes=checkpoint.info.classes,
        target=target,
        explainers={
            explainer.id: resolved(store, order.inputs, explainer)
            for order, (explainer, metric) in zip(orders, wanted, strict=True)
            if "attribution" in metric.needs
        },
    )
    settings = EvaluationSettings(batch, device)
    started = time.perf_counter()
    parts = [(explainer.id, metric) for explainer, metric in wanted]
    results = evaluate_parts(model, evidence, parts, settings, orders[0].advance)
    share = (time.perf_counter() - started) / len(orders)
    return tuple(
        _store(store, order, results[explainer, metric.id], share)
        for order, (explainer, metric) in zip(orders, parts, strict=True)
    )


@task(name="measure", task_run_name="{order.part.label}", cache_policy=NO_CACHE, persist_result=False)
def measure(order: Order, metric: ModelMetric, settings: MeasureSettings) -> Reference:
    """Return the reference of the FaithfulnessReport of one checkpoint itself, without an explainer."""
    store = Store(order.home)
    checkpoint = Checkpoint(store.path(order.inputs["checkpoint"]))
    tile_sets = [TileSet(store.path(reference)) for reference in under(order.inputs, "tiles/").values()]
    tiles = MeasuredTiles(tile_sets, checkpoint.info.classes)

    def write(out: Path) -> dict[str, float]:
        started = time.perf_counter()
        model = load_classifier(checkpoint, torch.device(settings.device))
        measures = measure_model(metric, model, tiles, settings, order.advance).write(out)
        return {**measures, "seconds": time.perf_counter() - started}

    return store.reuse_or_build(order.part, write, force=order.force)


def _store(store: Store, order: Order, result: MetricResult, share: float) -> Reference:
    """Store one report; its seconds are its even share of the plan that made it in company."""

    def write(out: Path) -> dict[str, float]:
        return {**result.write(out), "seconds": share}

    return store.reuse_or_build(order.part, write, force=order.force)


def _maps(store: Store, inputs: Mapping[str, Reference]) -> list[Attributions]:
    return [Attributions(store.path(reference)) for reference in under(inputs, "maps/").values()]

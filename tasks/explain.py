"""Verbs: predict every tile, explain one slide, draw the maps of all arms on one scale."""

from collections.abc import Mapping
from pathlib import Path

import torch
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.artifacts.attribution_set import AttributionSet
from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.part import Order, Reference, under
from tasks.artifacts.place import place_of
from tasks.artifacts.prediction_set import PredictionSet
from tasks.artifacts.store import Store
from tasks.artifacts.tile_set import TileSet
from tasks.comparison.performance import slide_score
from tasks.explainers._slide import AttributionSettings, attribute_slide
from tasks.explainers.base import Explainer
from tasks.faithfulness._predict import predict_tiles
from tasks.faithfulness.plan import EvaluationSettings
from tasks.heatmaps.draw import draw_slide
from tasks.heatmaps.job import HeatmapCheckpoint, HeatmapJob, HeatmapRecipe
from tasks.models.classifier import load_classifier


@task(name="predict", task_run_name="{order.part.label}", cache_policy=NO_CACHE, persist_result=False)
def predict(order: Order, device: str, batch: int) -> Reference:
    """Return the reference of one checkpoint's PredictionSet on the explained slides."""
    store = Store(order.home)
    model = load_classifier(Checkpoint(store.path(order.inputs["checkpoint"])), torch.device(device))
    tile_sets = [TileSet(store.path(reference)) for reference in under(order.inputs, "tiles/").values()]

    def write(out: Path) -> dict[str, float]:
        return predict_tiles(model, tile_sets, EvaluationSettings(batch, device), out, order.advance)

    return store.reuse_or_build(order.part, write, force=order.force)


@task(name="explain", task_run_name="{order.part.label}", cache_policy=NO_CACHE, persist_result=False)
def explain(order: Order, explainer: Explainer, settings: AttributionSettings) -> Reference:
    """Return the reference of the AttributionSet of one slide; it goes on after the last finished tiles."""
    store = Store(order.home)
    checkpoint = Checkpoint(store.path(order.inputs["checkpoint"]))
    model = load_classifier(checkpoint, torch.device(settings.device))
    tiles = TileSet(store.path(order.inputs["tiles"]))

    def write(out: Path) -> dict[str, float]:
        work = store.work(order.part)
        return attribute_slide(model, tiles, explainer, settings, out, work, order.advance)

    return store.reuse_or_build(order.part, write, force=order.force)


@task(name="draw", task_run_name="{order.part.label}", cache_policy=NO_CACHE, persist_result=False)
def draw(
    order: Order,
    explainer: Explainer,
    classes: tuple[str, ...],
    target: int,
    recipe: HeatmapRecipe,
    top_share: float,
) -> Reference:
    """Return the reference of one explainer's Heatmaps on one slide."""
    store = Store(order.home)
    job = HeatmapJob(
        tiles=TileSet(store.path(order.inputs["tiles"])),
        explainer=explainer.id,
        signed=explainer.signed,
        classes=classes,
        target=target,
        checkpoints=tuple(_drawn(store, order.inputs, place) for place in under(order.inputs, "maps/")),
        slide_score=lambda probabilities: slide_score(probabilities, top_share),
        recipe=recipe,
    )
    return store.reuse_or_build(order.part, lambda out: draw_slide(job, out), force=order.force)


def _drawn(store: Store, inputs: Mapping[str, Reference], place: str) -> HeatmapCheckpoint:
    name, _ = place_of(place)
    maps, predicted = AttributionSet(store.path(inputs[f"maps/{place}"])), inputs.get(f"predictions/{place}")
    predictions = PredictionSet(store.path(predicted)) if predicted else None
    return HeatmapCheckpoint(name.arm, name.seed, maps, predictions, name.fold)

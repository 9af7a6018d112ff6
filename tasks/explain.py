"""Verbs: predict every tile, calibrate noise, explain one slide, show what is no map."""

from collections.abc import Mapping
from pathlib import Path

import torch
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.key import place_of
from tasks.artifacts.part import Order, Reference, under
from tasks.artifacts.store import Store
from tasks.artifacts.tile_set import TileSet
from tasks.calibration.recipe import CalibrationRecipe, CalibrationSettings
from tasks.calibration.search import calibrate
from tasks.exemplars.base import ExemplarJob, Exemplars, show_exemplars
from tasks.explainers.base import Explainer
from tasks.explaining.resolved import resolved
from tasks.explaining.slide import AttributionSettings, attribute_slide
from tasks.models.classifier import load_classifier
from tasks.models.predict import predict_tiles


@task(name="predict", task_run_name="{order.part.label}", cache_policy=NO_CACHE, persist_result=False)
def predict(order: Order, device: str, batch: int) -> Reference:
    """Return the reference of one checkpoint's Predictions on the explained slides."""
    store = Store(order.home)
    model = load_classifier(Checkpoint(store.path(order.inputs["checkpoint"])), torch.device(device))
    tile_sets = _tile_sets(store, order.inputs, "tiles/")

    def write(out: Path) -> dict[str, float]:
        return predict_tiles(model, tile_sets, batch, device, out, order.advance)

    return store.reuse_or_build(order.part, write, force=order.force)


@task(name="calibrate", task_run_name="{order.part.label}", cache_policy=NO_CACHE, persist_result=False)
def search_sigma(order: Order, recipe: CalibrationRecipe, device: str, batch: int) -> Reference:
    """Return the reference of one checkpoint's Calibration, searched on its validation tiles alone."""
    store = Store(order.home)
    checkpoint = Checkpoint(store.path(order.inputs["checkpoint"]))
    tile_sets = _tile_sets(store, order.inputs, "tiles/")

    def write(out: Path) -> dict[str, float]:
        model = load_classifier(checkpoint, torch.device(device))
        settings = CalibrationSettings(checkpoint.info.classes, batch, device)
        return calibrate(model, tile_sets, recipe, settings, out, order.advance)

    return store.reuse_or_build(order.part, write, force=order.force)


@task(name="explain", task_run_name="{order.part.label}", cache_policy=NO_CACHE, persist_result=False)
def explain(order: Order, explainer: Explainer, settings: AttributionSettings) -> Reference:
    """Return the reference of the Attributions of one slide; it goes on after the last finished tiles."""
    store = Store(order.home)
    checkpoint = Checkpoint(store.path(order.inputs["checkpoint"]))
    model = load_classifier(checkpoint, torch.device(settings.device))
    tiles = TileSet(store.path(order.inputs["tiles"]))
    ready = resolved(store, order.inputs, explainer)

    def write(out: Path) -> dict[str, float]:
        work = store.work(order.part)
        return attribute_slide(model, tiles, ready, settings, out, work, order.advance)

    return store.reuse_or_build(order.part, write, force=order.force)


@task(name="show", task_run_name="{order.part.label}", cache_policy=NO_CACHE, persist_result=False)
def show(order: Order, exemplars: Exemplars, target: int, device: str, batch: int) -> Reference:
    """Return the reference of the ExemplarSet of one checkpoint and method."""
    store = Store(order.home)
    checkpoint = Checkpoint(store.path(order.inputs["checkpoint"]))
    place, _ = place_of(order.part.label.removeprefix("exemplars/"))

    def write(out: Path) -> dict[str, float]:
        job = ExemplarJob(
            model=load_classifier(checkpoint, torch.device(device)),
            train=_tile_sets(store, order.inputs, "train/"),
            explained=_tile_sets(store, order.inputs, "tiles/"),
            classes=checkpoint.info.classes,
            target=target,
            place=place.words,
            batch=batch,
            device=device,
            advance=order.advance,
        )
        return show_exemplars(exemplars, job, out)

    return store.reuse_or_build(order.part, write, force=order.force)


def _tile_sets(store: Store, inputs: Mapping[str, Reference], prefix: str) -> list[TileSet]:
    return [TileSet(store.path(reference)) for reference in under(inputs, prefix).values()]

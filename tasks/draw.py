"""Verbs: the colour scale of an explainer, its maps on one slide, the page on which all can be looked at."""

from collections.abc import Mapping
from dataclasses import replace

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.artifacts.attributions import Attributions
from tasks.artifacts.colour_scale import ColourScale, ScaleInfo
from tasks.artifacts.faithfulness_report import MODEL, FaithfulnessReport
from tasks.artifacts.key import place_of
from tasks.artifacts.part import Order, Reference, under
from tasks.artifacts.predictions import Predictions
from tasks.artifacts.store import Store
from tasks.artifacts.tile_set import TileSet
from tasks.comparison.files import TABLE
from tasks.comparison.rows.prediction_units import slide_score
from tasks.explainers.base import Explainer
from tasks.heatmaps.draw import draw_slide
from tasks.heatmaps.job import HeatmapCheckpoint, HeatmapJob, HeatmapRecipe, ScaleRecipe
from tasks.heatmaps.review.job import Key, ReviewedExplainer, ReviewJob
from tasks.heatmaps.review.write import write_review
from tasks.heatmaps.scale import ScaledSlide, write_scale


@task(name="scale", task_run_name="{order.part.label}", cache_policy=NO_CACHE, persist_result=False)
def scale(order: Order, recipe: ScaleRecipe) -> Reference:
    """Return the reference of one explainer's ColourScale, over all models and slides."""
    store = Store(order.home)
    slides = [
        ScaledSlide(
            tiles=TileSet(store.path(reference)),
            maps={
                place: Attributions(store.path(mapped))
                for place, mapped in under(order.inputs, f"maps/{slide}/").items()
            },
        )
        for slide, reference in under(order.inputs, "tiles/").items()
    ]
    return store.reuse_or_build(order.part, lambda out: write_scale(slides, recipe, out), force=order.force)


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
        signed=explainer.signed_maps,
        classes=classes,
        target=target,
        checkpoints=tuple(_drawn(store, order.inputs, place) for place in under(order.inputs, "maps/")),
        slide_score=lambda probabilities: slide_score(probabilities, top_share),
        recipe=recipe,
        scale=ColourScale(store.path(order.inputs["scale"])).info,
    )
    return store.reuse_or_build(order.part, lambda out: draw_slide(job, out), force=order.force)


@task(name="review", task_run_name="{order.part.label}", cache_policy=NO_CACHE, persist_result=False)
def review(order: Order, frame: ReviewJob) -> Reference:
    """Return the reference of the study's ReviewPage; ``frame`` is its job without what lies in the store."""
    store, inputs = Store(order.home), order.inputs
    maps = {
        _key(label): Attributions(store.path(reference))
        for label, reference in under(inputs, "explain/").items()
    }
    reports = {
        _key(label): FaithfulnessReport(store.path(reference))
        for label, reference in under(inputs, "evaluate/").items()
    }
    scales = {
        name: ColourScale(store.path(reference)).info for name, reference in under(inputs, "scale/").items()
    }
    job = replace(
        frame,
        slides={slide: TileSet(store.path(found)) for slide, found in under(inputs, "tiles/").items()},
        explainers=tuple(_scaled(known, scales) for known in frame.explainers),
        maps=maps,
        reports={key: report for key, report in reports.items() if key[1] != MODEL},
        predictions={
            place_of(label)[0]: Predictions(store.path(found))
            for label, found in under(inputs, "predict/").items()
        },
        comparison=store.path(inputs["compare"]) / TABLE if "compare" in inputs else None,
    )
    return store.reuse_or_build(
        order.part, lambda out: write_review(job, out, order.advance), force=order.force
    )


def _scaled(explainer: ReviewedExplainer, scales: Mapping[str, ScaleInfo]) -> ReviewedExplainer:
    return replace(explainer, scale=scales.get(explainer.id))


def _key(label: str) -> Key:
    """Return place, explainer, and slide or metric."""
    place, rest = place_of(label)
    explainer, _, last = rest.partition("/")
    return place, explainer, last


def _drawn(store: Store, inputs: Mapping[str, Reference], place: str) -> HeatmapCheckpoint:
    name, _ = place_of(place)
    maps, predicted = Attributions(store.path(inputs[f"maps/{place}"])), inputs.get(f"predictions/{place}")
    predictions = Predictions(store.path(predicted)) if predicted else None
    return HeatmapCheckpoint(name.arm, name.seed, maps, predictions, name.fold)

"""Verb: set the arms of a study side by side."""

from collections.abc import Mapping
from dataclasses import replace

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.faithfulness_report import FaithfulnessReport
from tasks.artifacts.part import Order, Reference, under
from tasks.artifacts.prediction_set import PredictionSet
from tasks.artifacts.store import Store
from tasks.comparison.compare import compare_arms
from tasks.comparison.job import ComparedCheckpoint, ComparedReport, ComparisonJob


@task(name="compare", task_run_name="{order.part.label}", cache_policy=NO_CACHE, persist_result=False)
def compare(order: Order, frame: ComparisonJob, controls: frozenset[str]) -> Reference:
    """Return the reference of the Comparison; ``frame`` is the job without its checkpoints and reports."""
    store = Store(order.home)
    job = replace(
        frame,
        checkpoints=compared_checkpoints(store, order.inputs),
        reports=compared_reports(store, order.inputs, controls),
    )
    return store.reuse_or_build(order.part, lambda out: compare_arms(job, out), force=order.force)


def compared_checkpoints(store: Store, inputs: Mapping[str, Reference]) -> tuple[ComparedCheckpoint, ...]:
    """Return the checkpoints among ``inputs`` that have predictions, with what their training cost."""
    predictions = under(inputs, "predict/")
    found = []
    for place, reference in under(inputs, "train/").items():
        if place in predictions:
            arm, _, seed = place.rpartition("/seed")
            model, predicted = (
                Checkpoint(store.path(reference)),
                PredictionSet(store.path(predictions[place])),
            )
            measures = store.record(reference).measures
            found.append(ComparedCheckpoint(arm, int(seed), model, predicted, measures))
    return tuple(found)


def compared_reports(
    store: Store, inputs: Mapping[str, Reference], controls: frozenset[str]
) -> tuple[ComparedReport, ...]:
    """Return the faithfulness reports among ``inputs``."""
    found = []
    for place, reference in under(inputs, "evaluate/").items():
        arm, seed, explainer, metric = place.split("/")
        report = FaithfulnessReport(store.path(reference))
        is_control = explainer in controls
        found.append(
            ComparedReport(arm, int(seed.removeprefix("seed")), explainer, metric, is_control, report)
        )
    return tuple(found)

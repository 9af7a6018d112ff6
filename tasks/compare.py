"""Verb: set the arms of a study side by side."""

from collections.abc import Mapping
from dataclasses import replace

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.faithfulness_report import FaithfulnessReport
from tasks.artifacts.key import place_of
from tasks.artifacts.part import Order, Reference, under
from tasks.artifacts.predictions import Predictions
from tasks.artifacts.store import Store
from tasks.comparison.compare import compare_arms
from tasks.comparison.job import ComparedCheckpoint, ComparedReport, ComparisonJob
from tasks.comparison.rows.pooling import ByFold, pool


@task(name="compare", task_run_name="{order.part.label}", cache_policy=NO_CACHE, persist_result=False)
def compare(order: Order, frame: ComparisonJob, controls: Mapping[str, bool]) -> Reference:
    """Return the reference of the Comparison; ``frame`` is the job without its checkpoints and reports.

    ``controls`` says of each control whether it is blind, that is holds no explainer and sees no network.
    """
    store = Store(order.home)
    found = pool(compared_checkpoints(store, order.inputs), compared_reports(store, order.inputs, controls))
    job = replace(frame, checkpoints=found.checkpoints, reports=found.reports, pooling=found.words)
    return store.reuse_or_build(order.part, lambda out: compare_arms(job, out), force=order.force)


def compared_checkpoints(store: Store, inputs: Mapping[str, Reference]) -> ByFold[ComparedCheckpoint]:
    """Return the checkpoints among ``inputs`` that have predictions, each with its fold."""
    predictions = under(inputs, "predict/")
    found = []
    for place, reference in under(inputs, "train/").items():
        if place in predictions:
            at, _ = place_of(place)
            model, predicted = (
                Checkpoint(store.path(reference)),
                Predictions(store.path(predictions[place])),
            )
            found.append((at.fold, ComparedCheckpoint(at.arm, at.seed, model, predicted)))
    return found


def compared_reports(
    store: Store, inputs: Mapping[str, Reference], controls: Mapping[str, bool]
) -> ByFold[ComparedReport]:
    """Return the faithfulness reports among ``inputs``, each with its fold."""
    found = []
    for place, reference in under(inputs, "evaluate/").items():
        at, what = place_of(place)
        explainer, metric = what.split("/")
        report = FaithfulnessReport(store.path(reference))
        control = explainer in controls, controls.get(explainer, True)
        item = ComparedReport(at.arm, at.seed, explainer, metric, control[0], report, is_blind=control[1])
        found.append((at.fold, item))
    return found

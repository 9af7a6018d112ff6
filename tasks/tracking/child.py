"""The child run of one checkpoint: recipe, epochs, model, scores and heatmaps."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tasks.artifacts.checkpoint import CheckpointInfo
from tasks.comparison.recipe import ComparisonRecipe
from tasks.comparison.rows.performance import checkpoint_scores
from tasks.reporting.pseudonyms import salted_hash, without_patients
from tasks.statistics.cells import mean_estimate
from tasks.statistics.clusters import choose_clusters
from tasks.statistics.two_way import Estimate
from tasks.tracking.datasets import log_datasets
from tasks.tracking.job import RecordedCheckpoint, RecordedReport, RecordJob, encoder_params
from tasks.tracking.mlflow_api import MlflowClient, Run
from tasks.tracking.model import log_checkpoint
from tasks.tracking.names import column_of, flat, key_of, without_hashes
from tasks.tracking.pictures import (
    log_calibrations,
    log_checkpoint_pictures,
    log_dose,
    log_exemplars,
    log_exports,
    log_report_pictures,
    log_slide_table,
)
from tasks.tracking.runs import Point, log_params, log_points, set_tags

_TRAINING = ("train", "val")
SCORES = "tables/scores.json"


@dataclass(frozen=True)
class ChildFacts:
    """What MLflow shows of a checkpoint in columns and charts."""

    params: Mapping[str, str]
    points: tuple[Point, ...]
    digests: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, job: RecordJob, item: RecordedCheckpoint) -> "ChildFacts":
        """Return params, epochs and scores of ``item``, as far as it has them."""
        params, digests = without_hashes(child_params(job, item))
        return cls(params, (*epoch_points(item), *score_points(job, item)), digests)

    def agree_with(self, run: Run) -> bool:
        """Say whether these hold all that ``run`` shows already."""
        last = {key_of(name): value for name, value, _ in self.points}
        shown = run.data.metrics.items()
        return all(last.get(key) == value for key, value in shown) and (
            run.data.params.items() <= self.params.items()
        )

    def log(self, client: MlflowClient, run: Run) -> None:
        """Log them into ``run``. What it shows already stays as it is."""
        log_params(client, run.info.run_id, self.params)
        if self.digests:
            set_tags(client, run.info.run_id, self.digests)
        log_points(client, run.info.run_id, self.points, int(run.info.start_time))


def fill_child(
    client: MlflowClient, run_id: str, job: RecordJob, item: RecordedCheckpoint, facts: ChildFacts
) -> None:
    """Log everything about one checkpoint into its run."""
    facts.log(client, client.get_run(run_id))
    datasets = item.datasets or job.datasets
    used = [dataset for dataset in datasets if dataset.name in _TRAINING or item.predictions]
    log_datasets(client, run_id, used, job.split_hash)
    log_checkpoint(client, client.get_run(run_id), item.name, item.checkpoint, item.digest)
    log_checkpoint_pictures(client, run_id, item.name, job.heatmaps)
    log_exports(client, run_id, item.name, job.heatmaps)
    log_report_pictures(client, run_id, item.reports)
    log_calibrations(client, run_id, item.calibrations)
    log_exemplars(client, run_id, item.exemplars)
    if item.dose is not None:
        log_dose(client, run_id, item.dose)
    if item.reports:
        client.log_table(run_id, _score_table(job, item), SCORES)
    log_slide_table(client, run_id, _slides(job, item), job.heatmaps, f"overlay_{item.name}")


def epoch_points(item: RecordedCheckpoint) -> Iterator[Point]:
    """Yield ``epoch/<column>`` of the history, with the epoch as step."""
    history = item.checkpoint.history
    for column in history.columns:
        if column != "epoch" and pd.api.types.is_numeric_dtype(history[column]):
            for epoch, value in zip(history["epoch"], history[column], strict=True):
                yield f"epoch/{column}", float(value), int(epoch)


def score_points(job: RecordJob, item: RecordedCheckpoint) -> Iterator[Point]:
    """Yield training costs, validation figures, performance, faithfulness, calibrations, the dose."""
    for name, value in item.measures.items():
        yield f"cost/{name}", float(value), 0
    for name, value in item.checkpoint.info.scores.items():
        yield f"validation/{name}", float(value), 0
    if item.predictions is not None:
        info, recipe = item.checkpoint.info, _recipe(job)
        target = info.classes.index(info.target_class)
        for name, found in checkpoint_scores(item.predictions, info.classes, target, recipe).items():
            yield from _bounded(f"performance/{name}", found)
    for report, score, found in _scores(job, item):
        if not report.is_control:
            yield from _bounded(f"faithfulness/{report.explainer}/{report.metric}.{score}", found)
    yield from _searched(item)


def _scores(job: RecordJob, item: RecordedCheckpoint) -> Iterator[tuple[RecordedReport, str, Estimate]]:
    """Yield every score of a map of this network with its interval."""
    for report in item.reports:
        for score, rows in report.report.scores.groupby("score", sort=True):
            yield report, str(score), _estimate(rows, _recipe(job).confidence)


def _score_table(job: RecordJob, item: RecordedCheckpoint) -> pd.DataFrame:
    """Return one row per score with its bounds, for controls too, which are no metrics of the run."""
    rows = [
        (report.explainer, "yes" if report.is_control else "", report.metric, score, *_three(found))
        for report, score, found in _scores(job, item)
    ]
    table = pd.DataFrame(rows, columns=["explainer", "control", "metric", "score", "value", "low", "high"])
    return table.astype(object).where(table.notna(), None)


def _three(found: Estimate) -> tuple[float, float, float]:
    return found.value, found.low, found.high


def _searched(item: RecordedCheckpoint) -> Iterator[Point]:
    """Yield what was searched for this model: sigmas of explainers, and the dose of its arm."""
    for explainer, calibration in item.calibrations.items():
        yield f"calibration/{explainer}.sigma", calibration.sigma, 0
        yield f"calibration/{explainer}.drop", calibration.info.drop, 0
    if item.dose is not None:
        found = item.dose.info
        yield f"dose/{found.regularizer}.{found.field}", found.value, 0
        yield f"dose/{found.quantity}.moved", found.moved, 0


def child_params(job: RecordJob, item: RecordedCheckpoint) -> dict[str, str]:
    """Return the recipe of a checkpoint, flat, without patients."""
    info = item.checkpoint.info
    own = {
        "arm": item.arm,
        "seed": item.seed,
        **({} if item.fold is None else {"fold": item.fold}),
        "classes": ", ".join(info.classes),
        "target_class": info.target_class,
        "mpp": info.mpp,
        "tile_px": info.tile_px,
        "best_epoch": info.best_epoch,
        "split_hash": job.split_hash,
        **_network(info),
        **item.params,
    }
    return flat(without_patients(own, job.patients, job.salt))


def _network(info: CheckpointInfo) -> dict[str, Any]:
    """Return the network; of a slide model its recipe, the encoder, and how long its features are."""
    if info.bag is None:
        return {"network": dict(info.network)}
    return {"model": dict(info.bag.model), "features": info.bag.dim, **encoder_params(info.bag.encoder)}


def _slides(job: RecordJob, item: RecordedCheckpoint) -> pd.DataFrame:
    """Return one row per slide: slide_id, patient (hashed), slide_score and the mean of each score."""
    if item.predictions is None:
        return pd.DataFrame({"slide_id": []})
    info = item.checkpoint.info
    target = info.classes.index(info.target_class)
    scored = item.predictions.slide_scores(target)
    table = pd.DataFrame(
        {
            "slide_id": scored["slide_id"],
            "patient": [salted_hash(patient, job.salt) for patient in scored["patient_id"]],
            "slide_score": scored["score"].round(4),
        }
    )
    # All at once: pandas fragments a frame that grows column by column.
    table = pd.concat([table, *_slide_means(item, scored["slide_id"])], axis="columns")
    return table.astype(object).where(table.notna(), None)


def _slide_means(item: RecordedCheckpoint, slides: pd.Series) -> Iterator[pd.Series]:
    """Yield the mean scores of ``slides``, in their order, as ``<explainer>/<metric> <score>``."""
    for report in item.reports:
        if not report.is_control:
            means = report.report.scores.groupby(["score", "slide_id"], sort=True)["value"].mean()
            for score in means.index.unique("score"):
                of_slides = means[score].reindex(slides).round(4).reset_index(drop=True)
                yield of_slides.rename(column_of(f"{report.explainer}/{report.metric}.{score}"))


def _bounded(name: str, found: Estimate) -> Iterator[Point]:
    """Yield a figure with its bounds, which hold for this network alone."""
    yield from ((name, found.value, 0), (f"{name}.low", found.low, 0), (f"{name}.high", found.high, 0))


def _estimate(rows: pd.DataFrame, level: float) -> Estimate:
    """Return the mean of the scored rows, with its interval over the clusters of their units."""
    scored = rows[np.isfinite(rows["value"].to_numpy(dtype=np.float64))]
    if not len(scored):
        return Estimate(float("nan"))
    return mean_estimate(scored["value"].to_numpy(dtype=np.float64), choose_clusters(scored).codes, level)


def _recipe(job: RecordJob) -> ComparisonRecipe:
    return ComparisonRecipe.model_validate(job.config.get("compare") or {})

"""A study in MLflow: one parent run per changed study, and one child run per checkpoint."""

from contextlib import AbstractContextManager
from typing import Any

import pandas as pd

from tasks.comparison.files import FILES, PAGE, TABLE
from tasks.reporting.pseudonyms import without_patients
from tasks.tracking.child import fill_child
from tasks.tracking.compared import CLAIMS, claims_text, comparison_points
from tasks.tracking.database import experiment_id, open_client
from tasks.tracking.datasets import log_datasets
from tasks.tracking.job import RecordedCheckpoint, RecordJob, RecordSummary
from tasks.tracking.mlflow_api import MlflowClient
from tasks.tracking.names import flat, tag_text
from tasks.tracking.pictures import log_study_pictures
from tasks.tracking.runs import (
    FINGERPRINT,
    KIND,
    NOTE,
    PARENT,
    find_runs,
    finished,
    log_params,
    log_points,
    new_run,
    reopened,
    set_tags,
    sweep,
)

COSTS = "costs.md"
_STUDY = "study"
_CHECKPOINT = "checkpoint"


class Recorder:
    """Records one job into one experiment, with explicit run ids only."""

    def __init__(self, client: MlflowClient, experiment: str, job: RecordJob) -> None:
        self._client, self._experiment, self._job = client, experiment, job
        self.children: dict[str, str] = {}
        self.created: list[str] = []
        self.reused: list[str] = []

    def record(self) -> str:
        """Return the id of the parent run. A finished one with the same fingerprint is left unchanged."""
        job = self._job
        earlier = find_runs(self._client, self._experiment, {KIND: _STUDY, FINGERPRINT: job.fingerprint})
        done = finished(earlier)
        if done is not None:
            self.reused.append(job.study)
            self.children = {item.name: done.data.tags[_child_tag(item)] for item in job.checkpoints}
            return str(done.info.run_id)
        with self._parent(str(earlier[0].info.run_id) if earlier else None) as parent:
            for item in job.checkpoints:
                self.children[item.name] = self._child(parent, item)
            self._fill_parent(parent)
            self.created.append(job.study)
            return parent

    def _parent(self, unfinished: str | None) -> AbstractContextManager[str]:
        if unfinished is not None:
            return reopened(self._client, unfinished)
        tags = {KIND: _STUDY, FINGERPRINT: self._job.fingerprint, **self._job.tags}
        return new_run(self._client, self._experiment, self._job.study, tags)

    def _child(self, parent: str, item: RecordedCheckpoint) -> str:
        """Return the id of the run of ``item``: a finished one with the same fingerprint, or a new one."""
        tags = {KIND: _CHECKPOINT, FINGERPRINT: item.fingerprint}
        earlier = find_runs(self._client, self._experiment, tags)
        done = finished(earlier)
        if done is not None:
            self.reused.append(item.name)
            return str(done.info.run_id)
        for broken in earlier:
            if broken.info.status != "RUNNING":
                # Interrupted: deleted, so that nothing is shown twice.
                self._client.delete_run(broken.info.run_id)
        fold = {} if item.fold is None else {"veritile.fold": str(item.fold)}
        own = {"veritile.arm": item.arm, **fold, "veritile.seed": str(item.seed), PARENT: parent}
        name = " ".join([item.arm, *(f"fold {k}" for k in fold.values()), f"seed {item.seed}"])
        with new_run(self._client, self._experiment, name, {**tags, **own, **self._job.tags}) as run_id:
            fill_child(self._client, run_id, self._job, item)
        self.created.append(item.name)
        return run_id

    def _fill_parent(self, parent: str) -> None:
        job, client = self._job, self._client
        # Few params: MLflow prints all params of a run above each of its pictures.
        log_params(client, parent, flat(self._clean({"split_hash": job.split_hash, **job.params})))
        client.log_dict(parent, self._clean(dict(job.config)), "config.json")
        client.log_dict(parent, self._clean(dict(job.failed_slides)), "failed_slides.json")
        log_datasets(client, parent, job.datasets, job.split_hash)
        log_study_pictures(client, parent, job.heatmaps)
        if job.costs:
            client.log_text(parent, job.costs, COSTS)
        if job.review is not None:
            client.log_artifact(parent, str(job.review))
        tags = {_child_tag(item): self.children[item.name] for item in job.checkpoints}
        set_tags(client, parent, {**tags, "veritile.command": str(self._clean(job.command))})
        self._log_comparison(parent)

    def _log_comparison(self, parent: str) -> None:
        folder = self._job.comparison
        if folder is None:
            return
        for path in (folder / name for name in FILES):
            if path.is_file():
                self._client.log_artifact(parent, str(path))
        rows = pd.read_parquet(folder / TABLE)
        log_points(self._client, parent, comparison_points(rows))
        if claims := claims_text(rows):
            self._client.set_tag(parent, CLAIMS, tag_text(claims))
        self._client.set_tag(parent, NOTE, tag_text((folder / PAGE).read_text(encoding="utf-8")))

    def _clean(self, value: Any) -> Any:
        return without_patients(value, self._job.patients, self._job.salt)


def record_study(job: RecordJob) -> RecordSummary:
    """Record ``job`` in MLflow and return where it is stored.

    Nothing is logged twice. Finished runs with the same fingerprint are reused, an interrupted parent run is
    continued, and equal weights are uploaded once. Runs whose process died are set to KILLED first.
    """
    client = open_client(job.home, job.tracking_uri)
    name = job.experiment or job.study
    experiment = experiment_id(client, name, job.home, local=job.tracking_uri is None)
    swept = sweep(client, experiment)
    recorder = Recorder(client, experiment, job)
    parent = recorder.record()
    return RecordSummary(
        tracking_uri=job.tracking_uri,
        experiment_id=experiment,
        parent=parent,
        children=recorder.children,
        created=tuple(recorder.created),
        reused=tuple(recorder.reused),
        swept=swept,
    )


def _child_tag(item: RecordedCheckpoint) -> str:
    return f"veritile.child.{item.name}"

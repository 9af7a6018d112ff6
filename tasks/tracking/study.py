"""A study in MLflow: one parent run per changed study, and one child run per checkpoint."""

from contextlib import AbstractContextManager
from typing import Any

from tasks.comparison.files import FILES, read_rows
from tasks.reporting.pseudonyms import without_patients
from tasks.tracking.ask import ask
from tasks.tracking.child import ChildFacts, fill_child
from tasks.tracking.compared import CLAIMS, FIGURES, claims_text, comparison_points, figures_table
from tasks.tracking.database import experiment_id, has_server, open_client
from tasks.tracking.datasets import log_datasets
from tasks.tracking.description import log_description
from tasks.tracking.errors import address_of, in_words
from tasks.tracking.failed import FAILED, failed_in_short, why_failed
from tasks.tracking.job import RecordedCheckpoint, RecordJob, RecordSummary
from tasks.tracking.leftovers import Leftovers
from tasks.tracking.mlflow_api import MlflowClient
from tasks.tracking.names import RECIPE, flat, tag_text
from tasks.tracking.pictures import log_study_pictures
from tasks.tracking.registered import register_best
from tasks.tracking.runs import (
    CHECKPOINT_RUN,
    COMMAND,
    FINGERPRINT,
    KIND,
    NAME,
    NOTE,
    PARENT,
    RECORDED,
    STUDY,
    command_tags,
    ended,
    find_runs,
    finished,
    log_params,
    log_points,
    reopen,
    set_tags,
    start_run,
    sweep,
)

COSTS = "costs.md"
_PARAMS = ("arms", "folds", "seeds")
"""What the study's run has as params; other settings are tags. MLflow prints all params of a run above each
of its pictures, and more than a line of them pushes the picture out of its card."""
BEST = "veritile.best_model"
"""Tag that says how the best model is loaded."""


class Recorder:
    """Records one job into one experiment, with explicit run ids only."""

    def __init__(self, client: MlflowClient, experiment: str, job: RecordJob) -> None:
        self._client, self._experiment, self._job = client, experiment, job
        self._live = Leftovers(client, experiment, job.live)
        self.children: dict[str, str] = {}
        self.created: list[str] = []
        self.reused: list[str] = []

    def record(self) -> str:
        """Return the id of the parent run. A complete one with the same fingerprint is left unchanged."""
        job = self._job
        earlier = find_runs(self._client, self._experiment, {KIND: STUDY, FINGERPRINT: job.fingerprint})
        done = finished(earlier)
        if done is not None:
            self.reused.append(job.study)
            self.children = {item.name: done.data.tags[_child_tag(item)] for item in job.checkpoints}
            self._live.delete()
            return str(done.info.run_id)
        with self._parent(str(earlier[0].info.run_id) if earlier else self._live.parent()) as parent:
            for item in job.checkpoints:
                self.children[item.name] = self._child(parent, item)
            self._fill_parent(parent)
            self._live.delete(parent)
            self.created.append(job.study)
            self._client.set_tag(parent, RECORDED, "yes")
            return parent

    def _parent(self, unfinished: str | None) -> AbstractContextManager[str]:
        """Open the run of the study. It ends FAILED where something failed that is not tolerated."""
        client, status = self._client, "FAILED" if self._job.failures else "FINISHED"
        tags = {KIND: STUDY, FINGERPRINT: self._job.fingerprint, **self._job.tags}
        if unfinished is not None:
            return ended(client, reopen(client, unfinished, tags), status)
        return ended(client, start_run(client, self._experiment, self._job.study, tags), status)

    def _child(self, parent: str, item: RecordedCheckpoint) -> str:
        """Return the id of the run of ``item``: a complete one with the same fingerprint, or a new one."""
        tags = {KIND: CHECKPOINT_RUN, FINGERPRINT: item.fingerprint}
        earlier = find_runs(self._client, self._experiment, tags)
        done = finished(earlier)
        if done is not None:
            self.reused.append(item.name)
            return str(done.info.run_id)
        for broken in earlier:
            if broken.info.status != "RUNNING":
                # Interrupted: deleted, so that nothing is shown twice.
                self._client.delete_run(broken.info.run_id)
        facts = ChildFacts.of(self._job, item)
        own = {**tags, **item.tags, NAME: item.name, PARENT: parent, **self._job.tags}
        with ended(self._client, self._open_child(parent, item, facts, own)) as run_id:
            fill_child(self._client, run_id, self._job, item, facts)
            self._client.set_tag(run_id, RECORDED, "yes")
        self.created.append(item.name)
        return run_id

    def _open_child(
        self, parent: str, item: RecordedCheckpoint, facts: ChildFacts, tags: dict[str, str]
    ) -> str:
        """Return the run that was written while the study ran, where all that it shows still holds."""
        live = self._live.child(parent, item.name)
        if live is not None and facts.agree_with(live):
            return reopen(self._client, str(live.info.run_id), tags)
        return start_run(self._client, self._experiment, item.words, tags)

    def _fill_parent(self, parent: str) -> None:
        job, client = self._job, self._client
        told = flat(self._clean({"split_hash": job.split_hash, **job.params}))
        log_params(client, parent, {name: text for name, text in told.items() if name in _PARAMS})
        set_tags(client, parent, {f"{RECIPE}{n}": tag_text(t) for n, t in told.items() if n not in _PARAMS})
        client.log_dict(parent, self._clean(dict(job.config)), "config.json")
        client.log_dict(parent, self._clean(dict(job.failed_slides)), "failed_slides.json")
        if job.failures:
            client.log_dict(parent, self._clean(dict(job.failures)), "failures.json")
        log_datasets(client, parent, job.datasets, job.split_hash)
        log_study_pictures(client, parent, job.heatmaps, job.checkpoints[0].name if job.checkpoints else "")
        if job.costs:
            client.log_text(parent, job.costs, COSTS)
        if job.review is not None:
            client.log_artifact(parent, str(job.review))
        best = register_best(client, job.study, job.checkpoints, self.children)
        if best is not None:
            client.set_tag(parent, BEST, best)
        self._tag_parent(parent)
        self._log_comparison(parent)

    def _tag_parent(self, parent: str) -> None:
        """Say which runs belong to it, what was typed, and what failed."""
        job, there = self._job, self._client.get_run(parent).data.tags
        tags = {_child_tag(item): self.children[item.name] for item in job.checkpoints}
        if COMMAND not in there:
            # A run that was live has the command that made it; recording it later is none.
            tags |= command_tags(str(self._clean(job.command)))
        failures = self._clean(dict(job.failures))
        tags[NOTE] = tag_text(f"{why_failed(failures)}{log_description(self._client, parent, job)}")
        if failures:
            tags[FAILED] = tag_text(failed_in_short(failures))
        elif FAILED in there:
            self._client.delete_tag(parent, FAILED)
        set_tags(self._client, parent, tags)

    def _log_comparison(self, parent: str) -> None:
        folder = self._job.comparison
        if folder is None:
            return
        for path in (folder / name for name in FILES):
            if path.is_file():
                self._client.log_artifact(parent, str(path))
        rows = read_rows(folder)
        log_points(self._client, parent, comparison_points(rows))
        if FIGURES not in {item.path for item in self._client.list_artifacts(parent, "tables")}:
            # A table that is logged again is made longer.
            self._client.log_table(parent, figures_table(rows), FIGURES)
        if claims := claims_text(rows):
            self._client.set_tag(parent, CLAIMS, tag_text(claims))

    def _clean(self, value: Any) -> Any:
        return without_patients(value, self._job.patients, self._job.salt)


def record_study(job: RecordJob) -> RecordSummary:
    """Record ``job`` in MLflow and return where it is stored.

    Nothing is logged twice. Complete runs with the same fingerprint are reused, an interrupted parent run is
    continued, what was written while the study ran is completed, and equal weights are uploaded once. Runs
    whose process died are set to KILLED first.

    Raises:
        TrackingError: MLflow cannot be used; what it has is completed by the next call.
    """
    if job.tracking_uri is not None:
        # Shorter than the patience that uploads are given.
        ask(job.home, job.tracking_uri)
    with in_words(address_of(job.home, job.tracking_uri)):
        client = open_client(job.home, job.tracking_uri)
        name = job.experiment or job.study
        experiment = experiment_id(client, name, job.home, local=not has_server(job.tracking_uri))
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

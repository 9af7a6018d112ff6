"""MLflow runs by id: search by tag, always closed, and killed after their process died."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from tasks.artifacts.process_identity import ProcessIdentity, this_process
from tasks.tracking.mlflow_api import Metric, MlflowClient, Param, Run, RunTag
from tasks.tracking.names import key_of

KIND = "veritile.kind"
STUDY = "study"
CHECKPOINT_RUN = "checkpoint"
FINGERPRINT = "veritile.fingerprint"
RECORDED = "veritile.recorded"
"""Tag of a run that shows everything of its fingerprint, also where the study failed."""
LIVE = "veritile.live"
"""Tag of runs that were written while the study ran, with what tells the study and its home."""
NAME = "veritile.name"
PROCESS = "veritile.process"
PARENT = "mlflow.parentRunId"
NOTE = "mlflow.note.content"
COMMAND = "veritile.command"
_SOURCE, _SOURCE_TYPE = "mlflow.source.name", "mlflow.source.type"
_METRICS_PER_BATCH = 900
_PARAMS_PER_BATCH = 90

Point = tuple[str, float, int]
"""Metric key, value, step."""


def find_runs(client: MlflowClient, experiment: str, tags: Mapping[str, str]) -> list[Run]:
    """Return the runs that have all ``tags``, newest first."""
    wanted = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
    return list(client.search_runs([experiment], wanted, order_by=["attributes.start_time DESC"]))


def finished(runs: Iterable[Run]) -> Run | None:
    """Return the first run that shows everything, or None."""
    return next((run for run in runs if run.info.status == "FINISHED" or RECORDED in run.data.tags), None)


def start_run(client: MlflowClient, experiment: str, name: str, tags: Mapping[str, str]) -> str:
    """Create a run of this process and return its id."""
    all_tags = {**tags, PROCESS: this_process().text}
    return str(client.create_run(experiment, tags=all_tags, run_name=name).info.run_id)


def reopen(client: MlflowClient, run_id: str, tags: Mapping[str, str]) -> str:
    """Let a run that ended, or that another process began, be one of this process; return its id."""
    client.update_run(run_id, status="RUNNING")
    set_tags(client, run_id, {**tags, PROCESS: this_process().text})
    return run_id


@contextmanager
def new_run(client: MlflowClient, experiment: str, name: str, tags: Mapping[str, str]) -> Iterator[str]:
    """Create a run and yield its id. It ends FINISHED, or FAILED if the block raised."""
    with ended(client, start_run(client, experiment, name, tags)) as run_id:
        yield run_id


@contextmanager
def ended(client: MlflowClient, run_id: str, status: str = "FINISHED") -> Iterator[str]:
    """Yield the id of a run, and end the run with ``status``, or as FAILED if the block raised."""
    done = False
    try:
        yield run_id
        done = True
    finally:
        client.set_terminated(run_id, status if done else "FAILED")


def sweep(client: MlflowClient, experiment: str) -> tuple[str, ...]:
    """Set runs to KILLED that are RUNNING although their process on this host has ended; return their ids."""
    running = client.search_runs([experiment], "attributes.status = 'RUNNING'")
    dead = [str(run.info.run_id) for run in running if is_dead(run)]
    for run_id in dead:
        client.set_terminated(run_id, "KILLED")
    return tuple(dead)


def sweep_all(client: MlflowClient) -> tuple[str, ...]:
    """Do what :func:`sweep` does in every experiment."""
    experiments = [str(experiment.experiment_id) for experiment in client.search_experiments()]
    return tuple(run_id for experiment in experiments for run_id in sweep(client, experiment))


def is_dead(run: Run) -> bool:
    """Say whether the process that wrote ``run`` has certainly ended; other hosts count as alive."""
    process = ProcessIdentity.parse(run.data.tags.get(PROCESS, ""))
    return process is not None and process.is_dead()


def is_own(run: Run) -> bool:
    """Say whether this process writes ``run``."""
    return ProcessIdentity.parse(run.data.tags.get(PROCESS, "")) == this_process()


def log_points(
    client: MlflowClient, run_id: str, points: Iterable[Point], time_ms: int | None = None
) -> None:
    """Log metrics with steps. NaN is left out, as nothing was measured there.

    MLflow keeps a point once per time. With a given ``time_ms``, points that are logged again are no others.
    """
    when = int(time.time() * 1000) if time_ms is None else time_ms
    metrics = [
        Metric(key_of(name), float(value), when, step) for name, value, step in points if value == value
    ]
    for start in range(0, len(metrics), _METRICS_PER_BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + _METRICS_PER_BATCH])


def command_tags(command: str) -> dict[str, str]:
    """Return the tags that say what was typed; MLflow shows its git commit beside the source of a run."""
    # MLflow shows what follows the last slash of it.
    source = " ".join(word.rpartition("/")[2] or word for word in command.split())
    return {COMMAND: command, _SOURCE: source, _SOURCE_TYPE: "LOCAL"} if command else {}


def log_params(client: MlflowClient, run_id: str, params: Mapping[str, str]) -> None:
    """Log params, whose keys MLflow must allow."""
    items = [Param(name, value) for name, value in params.items()]
    for start in range(0, len(items), _PARAMS_PER_BATCH):
        client.log_batch(run_id, params=items[start : start + _PARAMS_PER_BATCH])


def set_tags(client: MlflowClient, run_id: str, tags: Mapping[str, str]) -> None:
    """Set all ``tags`` in one request."""
    client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])

"""MLflow runs by id: search by tag, always closed, and killed after their process died."""

import platform
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import psutil  # type: ignore[import-untyped]  # has no stubs

from tasks.tracking.mlflow_api import Metric, MlflowClient, Param, Run, RunTag
from tasks.tracking.names import key_of

KIND = "veritile.kind"
FINGERPRINT = "veritile.fingerprint"
PROCESS = "veritile.process"
PARENT = "mlflow.parentRunId"
NOTE = "mlflow.note.content"
_METRICS_PER_BATCH = 900
_PARAMS_PER_BATCH = 90
_SAME_START_S = 2.0

Point = tuple[str, float, int]
"""Metric key, value, step."""


def find_runs(client: MlflowClient, experiment: str, tags: Mapping[str, str]) -> list[Run]:
    """Return the runs that have all ``tags``, newest first."""
    wanted = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
    return list(client.search_runs([experiment], wanted, order_by=["attributes.start_time DESC"]))


def finished(runs: Iterable[Run]) -> Run | None:
    """Return the first finished run, or None."""
    return next((run for run in runs if run.info.status == "FINISHED"), None)


@contextmanager
def new_run(client: MlflowClient, experiment: str, name: str, tags: Mapping[str, str]) -> Iterator[str]:
    """Create a run and yield its id. It ends FINISHED, or FAILED if the block raised."""
    all_tags = {**tags, PROCESS: this_process()}
    run_id = str(client.create_run(experiment, tags=all_tags, run_name=name).info.run_id)
    with _ended(client, run_id):
        yield run_id


@contextmanager
def reopened(client: MlflowClient, run_id: str) -> Iterator[str]:
    """Continue an interrupted run. It ends like a new one."""
    client.update_run(run_id, status="RUNNING")
    client.set_tag(run_id, PROCESS, this_process())
    with _ended(client, run_id):
        yield run_id


@contextmanager
def _ended(client: MlflowClient, run_id: str) -> Iterator[None]:
    status = "FAILED"
    try:
        yield
        status = "FINISHED"
    finally:
        client.set_terminated(run_id, status)


def sweep(client: MlflowClient, experiment: str) -> tuple[str, ...]:
    """Set runs to KILLED that are RUNNING although their process on this host has ended; return their ids."""
    running = client.search_runs([experiment], "attributes.status = 'RUNNING'")
    dead = [str(run.info.run_id) for run in running if is_dead(run.data.tags.get(PROCESS, ""))]
    for run_id in dead:
        client.set_terminated(run_id, "KILLED")
    return tuple(dead)


def this_process() -> str:
    """Return ``host:pid:start`` of this process. The start time guards against reused pids."""
    own = psutil.Process()
    return f"{platform.node()}:{own.pid}:{own.create_time():.0f}"


def is_dead(process: str) -> bool:
    """Return True where ``process`` ran on this host and has ended. Other hosts count as alive."""
    host, _, rest = process.rpartition(":")[0].rpartition(":")
    start = process.rpartition(":")[2]
    if host != platform.node() or not (rest.isdigit() and start.isdigit()):
        return False
    try:
        running = psutil.Process(int(rest))
        return bool(abs(running.create_time() - int(start)) > _SAME_START_S)
    except psutil.NoSuchProcess:
        return True


def log_points(client: MlflowClient, run_id: str, points: Iterable[Point]) -> None:
    """Log metrics with steps. NaN is left out, as nothing was measured there."""
    now = int(time.time() * 1000)
    metrics = [
        Metric(key_of(name), float(value), now, step) for name, value, step in points if value == value
    ]
    for start in range(0, len(metrics), _METRICS_PER_BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + _METRICS_PER_BATCH])


def log_params(client: MlflowClient, run_id: str, params: Mapping[str, str]) -> None:
    """Log params, whose keys MLflow must allow."""
    items = [Param(name, value) for name, value in params.items()]
    for start in range(0, len(items), _PARAMS_PER_BATCH):
        client.log_batch(run_id, params=items[start : start + _PARAMS_PER_BATCH])


def set_tags(client: MlflowClient, run_id: str, tags: Mapping[str, str]) -> None:
    """Set all ``tags`` in one request."""
    client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])

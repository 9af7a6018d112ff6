"""One training in several processes of this machine: start them, pass on their reports, return their result.

The processes are started by torch's elastic launcher. Only the part that starts and watches processes is
used. The agent and the rendezvous are for several machines and would open ports.
"""

import logging
import os
import signal
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.distributed.elastic.multiprocessing import (
    DefaultLogsSpecs,
    PContext,
    RunProcsResult,
    Std,
    start_processes,
)

from tasks.training.base_job import AnyJob
from tasks.training.epoch import Advance
from tasks.training.errors import TrainingDataError
from tasks.training.job_file import JOB, JobFile, Said, forget, read_failure
from tasks.training.train import Log

_LOGS = "processes"
_PERIOD = 0.1


class ProcessFailedError(Exception):
    """A training process ended without a sentence of its own."""


def train_in_processes(
    job: AnyJob, out: Path, work: Path, log: Log, advance: Advance = lambda n: None
) -> dict[str, float]:
    """Do as :func:`tasks.training.train.train_classifier` does, in ``job.rank.count`` processes.

    On a CPU they share the threads that this process may use. They end when this one does, however it ends.
    The measures are those of the first.

    Raises:
        TrainingDataError: the tiles cannot be trained on, or there are fewer accelerators than processes.
        ModelError: the network cannot be made.
        DivergedError: a loss is not finite.
        CollapsedError: the weights have no gradient any more, or all tiles get the same answer.
        ProcessFailedError: a process failed in another way.
    """
    job.check()
    _check_devices(job)
    forget(work)
    threads = max(1, torch.get_num_threads() // job.rank.count)
    file = JobFile.of(job, out, work, threads)
    (work / JOB).write_text(file.model_dump_json(indent=1), encoding="utf-8")
    said, measures = Said(work), dict[str, float]()
    with _started(work, job.rank.count) as processes:
        ended = None
        while ended is None:
            ended = processes.wait(_PERIOD, _PERIOD)
            measures |= _pass_on(said, log, advance)
    said.close()
    if ended.is_failed():
        raise read_failure(work) or _unexpected(ended, job.rank.count)
    return measures


def _check_devices(job: AnyJob) -> None:
    if torch.device(job.device).type == "cuda" and torch.cuda.device_count() < job.rank.count:
        raise TrainingDataError(
            f"processes {job.rank.count} need an accelerator each; there are {torch.cuda.device_count()}"
        )


@contextmanager
def _started(work: Path, count: int) -> Iterator[PContext]:
    """Start the processes, and end those still running when the block ends."""
    run = uuid.uuid4().hex
    words = ("-m", "tasks.training.worker", str(work / JOB))
    envs = {rank: _environment(rank, count, run) for rank in range(count)}
    logs = DefaultLogsSpecs(log_dir=str(work / _LOGS), redirects=Std.ALL)
    with _quiet_launcher():
        # In a separate thread: in the main one the launcher would take over this process's signals.
        with ThreadPoolExecutor(1) as starter:
            processes = starter.submit(
                start_processes, "train", sys.executable, dict.fromkeys(range(count), words), envs, logs
            ).result()
        try:
            yield processes
        finally:
            processes.close(signal.SIGTERM, timeout=10)


def _environment(rank: int, count: int, run: str) -> dict[str, str]:
    """Return the variables that torchrun sets, and a path so that they can import what this process can."""
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "TORCHELASTIC_RUN_ID": run,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }


@contextmanager
def _quiet_launcher() -> Iterator[None]:
    """Silence the launcher's lines on signals and exit codes: the user gets the sentence."""
    logger = logging.getLogger("torch.distributed.elastic")
    propagate, nothing = logger.propagate, logging.NullHandler()
    logger.propagate = False
    logger.addHandler(nothing)
    try:
        yield
    finally:
        logger.propagate = propagate
        logger.removeHandler(nothing)


def _pass_on(said: Said, log: Log, advance: Advance) -> dict[str, float]:
    """Pass on new reports, and return the measures if they are among them."""
    measures: dict[str, float] = {}
    for what in said.new():
        if "tiles" in what:
            advance(what["tiles"])
        elif "row" in what:
            log(what["row"], what["epoch"])
        else:
            measures = what["measures"]
    return measures


def _unexpected(ended: RunProcsResult, count: int) -> ProcessFailedError:
    """Return a sentence on the process to blame: a killed one, else one that the launcher did not end."""
    codes = {rank: failure.exitcode for rank, failure in ended.failures.items()}
    rank = min(codes, key=lambda rank: (codes[rank] == -signal.SIGTERM, codes[rank] > 0, rank))
    who = f"training process {rank + 1} of {count}"
    if codes[rank] < 0:
        return ProcessFailedError(f"{who} was killed by {signal.Signals(-codes[rank]).name}")
    lines = Path(ended.stderrs[rank]).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return ProcessFailedError(f"{who} failed: {lines[-1] if lines else f'exit code {codes[rank]}'}")

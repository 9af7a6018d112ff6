"""One training in several processes: start them, pass on their reports, return their result.

Those of this machine are started by torch's elastic launcher. Only what starts and watches processes is used:
the agent and the rendezvous would open ports. Those of several machines are started by torchrun, whose agents
meet over the network.
"""

import logging
import os
import signal
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
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
from tasks.training.launcher import ProcessFailedError, run_launcher
from tasks.training.train import Log

RESTARTS = "TORCHELASTIC_RESTART_COUNT"
"""The variable of torchrun that says how often the processes were started again."""

_log = logging.getLogger("veritile.train")
_LOGS = "processes"
_PERIOD = 0.1


@dataclass(frozen=True)
class Launch:
    """How the processes of a training are started.

    Attributes:
        torchrun: the words that start them on several machines; empty: they are processes of this one.
        restarts: how often those of this machine go on after one of them died. Torchrun has its own number.
    """

    torchrun: tuple[str, ...] = ()
    restarts: int = 0


def train_in_processes(
    job: AnyJob,
    out: Path,
    work: Path,
    log: Log,
    advance: Advance = lambda n: None,
    launch: Launch = Launch(),  # frozen
) -> dict[str, float]:
    """Do as :func:`tasks.training.train.train_classifier` does, in ``job.rank.count`` processes.

    On a CPU they share the threads that this process may use. They end when this one does, however it ends.
    Where one dies without a sentence, all go on from the state that was last saved. The measures are those of
    the first.

    Raises:
        TrainingDataError: the tiles cannot be trained on, or there are fewer accelerators than processes.
        ModelError: the network cannot be made.
        DivergedError: a loss is not finite.
        CollapsedError: the weights have no gradient any more, or all tiles get the same answer.
        ProcessFailedError: a process failed in another way.
    """
    job.check()
    forget(work)
    threads = max(1, torch.get_num_threads() // job.rank.count)
    file = JobFile.of(job, out, work, threads)
    (work / JOB).write_text(file.model_dump_json(indent=1), encoding="utf-8")
    said, measures = Said(work), dict[str, float]()

    def pass_on() -> None:
        measures.update(_pass_on(said, log, advance))

    try:
        if launch.torchrun:
            run_launcher(launch.torchrun, work, pass_on)
        else:
            _check_devices(job)
            _run(work, job.rank.count, launch.restarts, pass_on)
    finally:
        said.close()
    return measures


def _run(work: Path, count: int, restarts: int, pass_on: Callable[[], None]) -> None:
    """Run the processes on this machine until they have ended well."""
    run = uuid.uuid4().hex
    for attempt in range(restarts + 1):
        envs = {rank: {**_environment(rank, count, run), RESTARTS: str(attempt)} for rank in range(count)}
        with _started(work, envs) as processes:
            ended = None
            while ended is None:
                ended = processes.wait(_PERIOD, _PERIOD)
                pass_on()
        if not ended.is_failed():
            return
        told = read_failure(work)
        if told is not None:
            raise told
        error = _unexpected(ended, count)
        if attempt == restarts:
            raise error
        _log.warning("%s; all go on from the state that was last saved", error)


def _check_devices(job: AnyJob) -> None:
    if torch.device(job.device).type == "cuda" and torch.cuda.device_count() < job.rank.count:
        raise TrainingDataError(
            f"processes {job.rank.count} need an accelerator each; there are {torch.cuda.device_count()}"
        )


@contextmanager
def _started(work: Path, envs: Mapping[int, dict[str, str]]) -> Iterator[PContext]:
    """Start the processes, and end those still running when the block ends."""
    words = ("-m", "tasks.training.worker", str(work / JOB))
    logs = DefaultLogsSpecs(log_dir=str(work / _LOGS), redirects=Std.ALL)
    with _quiet_launcher():
        # In a separate thread: in the main one the launcher would take over this process's signals.
        with ThreadPoolExecutor(1) as starter:
            processes = starter.submit(
                start_processes, "train", sys.executable, dict.fromkeys(envs, words), dict(envs), logs
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

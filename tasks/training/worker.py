"""One process of a training that runs in several processes of one machine.

    python -m torch.distributed.run --nproc-per-node 2 -m tasks.training.worker JOB.json

``JOB.json`` is a :class:`tasks.training.job_file.JobFile`; the train stage writes one into the work folder of
every training of a study with ``processes`` above 1, and starts these processes itself. ``out`` (empty) and
``work`` must exist. The tensors go through gloo on a CPU, through nccl on accelerators, one to a process, and
never leave the loopback device.
"""

import json
import os
import socket
import sys
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from zlib import crc32

import torch
import torch.distributed as dist

from tasks.artifacts.with_parent import end_with_parent
from tasks.tiling.on_demand import SlidePixels
from tasks.training.errors import TrainingDataError
from tasks.training.job_file import EXPECTED, SAID, JobFile, write_failure
from tasks.training.launcher import OWNER
from tasks.training.meeting import meet
from tasks.training.resume import FILE
from tasks.training.train import train_classifier
from tasks.training_step.rank import Rank

_LOOKS = 60
_ARRIVAL = timedelta(minutes=30)
"""How long the processes of several machines wait for one another at the start."""

_PATIENCE = timedelta(days=7)
"""The others wait while the first validates an epoch. The starting process notices if one dies."""


def main(path: Path) -> int:
    """Train this process's part of the job in ``path`` and return the exit code."""
    end_with_parent(_owner())
    file = JobFile.model_validate_json(path.read_text(encoding="utf-8"))
    rank = Rank(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))
    torch.set_num_threads(file.threads)
    device = _device(file.device)
    _join(file.work, rank, device)
    report = _Report(file.work) if rank.first else _Silent()
    try:
        _refuse_other_count(file, rank)
        _wait_for_one_state(file.work, rank, device)
        source = None if file.source is None else SlidePixels.of_form(file.source)
        job = file.job(device, rank, source)
        measures = train_classifier(job, file.out, file.work, report.log, report.advance)
    except EXPECTED as error:
        write_failure(file.work, rank.number, error)
        print(error, file=sys.stderr)  # noqa: T201  # for who started it by hand
        return 1
    report.finish(measures)
    _part(rank)
    return 0


class _Silent:
    """Reports nothing: for all processes but the first."""

    def log(self, row: Mapping[str, float], epoch: int) -> None:
        """Say nothing of an epoch."""

    def advance(self, tiles: int) -> None:
        """Say nothing of tiles."""

    def finish(self, measures: Mapping[str, float]) -> None:
        """Say nothing of the end."""


class _Report(_Silent):
    """Appends a line to the report for every step and epoch."""

    def __init__(self, work: Path) -> None:
        # Line by line, so that a reader sees whole lines.
        # Who reads it goes on reading when the processes are started again.
        # Launchers of several machines count restarts apart, so the count alone does not tell.
        goes_on = _restarts() > 0 or OWNER in os.environ
        self._stream = (work / SAID).open("a" if goes_on else "w", buffering=1, encoding="utf-8")

    def log(self, row: Mapping[str, float], epoch: int) -> None:
        """Report the figures of an epoch."""
        self._say({"epoch": epoch, "row": dict(row)})

    def advance(self, tiles: int) -> None:
        """Report how many tiles were just trained on."""
        self._say({"tiles": tiles})

    def finish(self, measures: Mapping[str, float]) -> None:
        """Report the measures of the call."""
        self._say({"measures": dict(measures)})

    def _say(self, what: dict[str, object]) -> None:
        self._stream.write(json.dumps(what) + "\n")


def _device(kind: str) -> str:
    """Return the device of this process; of accelerators one each."""
    if torch.device(kind).type != "cuda":
        return kind
    local = int(os.environ.get("LOCAL_RANK", "0"))
    torch.cuda.set_device(local)
    return f"cuda:{local}"


def _join(work: Path, rank: Rank, device: str) -> None:
    if rank.count == 1:
        return
    backend = "nccl" if torch.device(device).type == "cuda" else "gloo"
    if int(os.environ.get("GROUP_WORLD_SIZE", "1")) > 1:
        address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        theirs = dist.TCPStore(address, port, rank.count, is_master=False, timeout=_ARRIVAL)  # type: ignore[attr-defined]
        store = meet(theirs, rank, _ARRIVAL)
        dist.init_process_group(
            backend, store=store, rank=rank.number, world_size=rank.count, timeout=_PATIENCE
        )
        return
    for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        os.environ.setdefault(name, _loopback())
    # A shared file opens no port. Only the processes of this training have the same parent, and a file can
    # be met at once only.
    run = f"{os.environ.get('TORCHELASTIC_RUN_ID', '')}.{os.getppid()}.{_restarts()}"
    dist.init_process_group(
        backend,
        store=dist.FileStore(str(work / f".meeting.{run}"), rank.count),  # type: ignore[attr-defined]  # torch
        rank=rank.number,
        world_size=rank.count,
        timeout=_PATIENCE,
    )


def _restarts() -> int:
    """Return how often the processes of this training were started again."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


def _refuse_other_count(file: JobFile, rank: Rank) -> None:
    if rank.count != file.processes:
        raise TrainingDataError(
            f"the training is for processes: {file.processes}, and the launcher started {rank.count}; "
            "another number gives other weights"
        )


def _wait_for_one_state(work: Path, rank: Rank, device: str) -> None:
    """Wait until all processes see the same saved state: a shared folder may show an old one for a while."""
    for _ in range(_LOOKS):
        path = work / FILE
        seen = torch.tensor(float(crc32(path.read_bytes()) >> 8 if path.is_file() else 0), device=device)
        if rank.count == 1 or bool((rank.collect(seen) == seen).all()):
            return
        time.sleep(1)
    raise TrainingDataError(f"the processes see different saved states in {work}; it must be a shared folder")


def _part(rank: Rank) -> None:
    """Leave together: the first arrives here after it has written everything."""
    if rank.count > 1:
        dist.barrier()
        dist.destroy_process_group()


def _loopback() -> str:
    return next(name for _, name in socket.if_nameindex() if name.startswith("lo"))


def _owner() -> int | None:
    """Return the process of the run, where it is on this machine: an agent may stand between."""
    owner = os.environ.get(OWNER, "").rpartition(":")
    return int(owner[2]) if owner[0] == socket.gethostname() else None


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

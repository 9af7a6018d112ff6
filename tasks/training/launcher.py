"""The launcher that starts the processes of one training on several machines: it is watched, and ended."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tasks.training.job_file import JOB, read_failure

LOG = "torchrun.log"
OWNER = "VERITILE_OWNER"
"""The variable that names this process to the processes of the training, which end with it."""

_PERIOD_S, _GRACE_S = 0.1, 10.0


class ProcessFailedError(Exception):
    """A training process ended without a sentence of its own."""


def run_launcher(torchrun: Sequence[str], work: Path, pass_on: Callable[[], None]) -> None:
    """Start the training in ``work`` by ``torchrun`` and wait for it, passing on what it reports.

    Its lines go to ``torchrun.log`` in ``work``. It is ended with this block; processes of this machine also
    end where this process is killed.

    Raises:
        ProcessFailedError: there is no such program, or it failed without a sentence of its own.
    """
    program = shutil.which(torchrun[0])
    if program is None:
        raise ProcessFailedError(f"resources.torchrun: there is no program {torchrun[0]!r} on this machine")
    words = [program, *torchrun[1:], "-m", "tasks.training.worker", str((work / JOB).resolve())]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        OWNER: f"{socket.gethostname()}:{os.getpid()}",
    }
    with (work / LOG).open("wb") as log:
        launcher = subprocess.Popen(words, stdout=log, stderr=log, env=environment)  # noqa: S603  # the user's
        try:
            while launcher.poll() is None:
                pass_on()
                _rest(launcher)
        finally:
            _end(launcher)
    pass_on()
    if launcher.returncode:
        raise read_failure(work) or ProcessFailedError(
            f"{torchrun[0]} ended with exit code {launcher.returncode}: {_last_line(work / LOG)}"
        )


def _rest(launcher: "subprocess.Popen[bytes]") -> None:
    try:
        launcher.wait(_PERIOD_S)
    except subprocess.TimeoutExpired:
        return


def _end(launcher: "subprocess.Popen[bytes]") -> None:
    if launcher.poll() is not None:
        return
    launcher.terminate()
    try:
        launcher.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        launcher.kill()
        launcher.wait()


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "it said nothing"

"""Small programs in the place of servers, and a supervisor over them that is a process of its own."""

import os
import sys
import time
from pathlib import Path

from flows.services.program import Program

_TICK_S = 0.02
"""The clock of a file system is behind that of a process by a tick."""

STAYS = """
import os, pathlib, signal, sys, time
folder, name, code = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
with (folder / f"{name}.starts").open("a") as starts:
    starts.write(f"{os.getpid()}\\n")
print(f"{name} speaks", flush=True)
exec(code)
while True:
    time.sleep(0.1)
"""
GRANDCHILD = """
import subprocess
subprocess.Popen([sys.executable, "-c",
    "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(600)",
    str(folder / "grandchild.pid")], start_new_session=True)
"""
"""A process in a session of its own, as a worker starts runs."""
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
DIES = "sys.exit('no reason to live')"
DIES_WHEN_TOLD = """
while not (folder / "die").exists():
    time.sleep(0.01)
sys.exit("again")
"""
DIES_ONCE = """
if len((folder / f"{name}.starts").read_text().split()) == 1:
    while not (folder / "die").exists():
        time.sleep(0.01)
    sys.exit("a first time")
"""


def small_program(folder: Path, name: str, code: str = "", port: int | None = None) -> Program:
    """Return a program that notes each start, runs ``code``, and stays; it is up as soon as it spoke."""

    def is_up(since: float) -> bool:
        try:
            return (folder / f"{name}.starts").stat().st_mtime >= since - _TICK_S
        except FileNotFoundError:
            return False

    return Program(name, name.title(), ("-c", STAYS, str(folder), name, code), is_up, {}, port)


def starts_of(folder: Path, name: str) -> list[int]:
    """Return the pid of each start of a small program."""
    try:
        return [int(pid) for pid in (folder / f"{name}.starts").read_text().split()]
    except FileNotFoundError:
        return []


def lives(pid: int) -> bool:
    """Say whether a process runs; the entry of one that ended does not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for(what, patience: float = 60):
    """Return the value of ``what()`` as soon as it is true."""
    end = time.monotonic() + patience
    while not (found := what()):
        assert time.monotonic() < end, "it never became true"
        time.sleep(0.05)
    return found


UI = """
import sys
from pathlib import Path
import flows.services.ui as ui
from rich.console import Console
from tests._support.services import GRANDCHILD, small_program
home = Path(sys.argv[1])
ui.mlflow_program = lambda home, port: small_program(home, "mlflow", port=port)
ui.prefect_program = lambda port: small_program(home, "prefect", port=port)
ui.viewer_program = lambda home, port: small_program(home, "viewer", port=port)
ui.worker_program = lambda port: small_program(home, "worker", GRANDCHILD)
home.mkdir(exist_ok=True)
try:
    ui.serve_uis(home, ui.Ports(*map(int, sys.argv[2:5])), Console(width=200))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""
"""``veritile ui`` over small programs: home, three ports."""


def ui_words(home: Path, ports: tuple[int, int, int]) -> list[str]:
    """Return the command of a ``veritile ui`` over small programs."""
    return [sys.executable, "-c", UI, str(home), *map(str, ports)]


def ui_environment() -> dict[str, str]:
    """Return an environment in which the code of these tests is found."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}

"""veritile ui: MLflow, Prefect, the viewer and a worker on this machine alone, while the command lives."""

import json
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.console import Console

from flows.services.claim import claimed
from flows.services.leftovers import end_leftovers
from flows.services.ports import refuse_taken
from flows.services.program import HOST, Program
from flows.services.programs import mlflow_program, prefect_program, viewer_program, worker_program
from flows.services.supervisor import Supervisor
from flows.showing.recorded_at import KIND

_STUDIES = 3
"""So many studies are named, the last changed first."""


@dataclass(frozen=True)
class Ports:
    """Where the servers listen."""

    mlflow: int = 5000
    prefect: int = 4200
    viewer: int = 5080


def serve_uis(home: Path, ports: Ports, console: Console) -> None:
    """Run MLflow, Prefect, the viewer and one worker until a signal ends them.

    Raises:
        UsageError: a port is taken, another one serves this home, or the home cannot be written.
        ServerError: a server did not come up, or died again and again.
    """
    servers = [
        mlflow_program(home, ports.mlflow),
        prefect_program(ports.prefect),
        viewer_program(home, ports.viewer),
    ]
    addresses = {each.title: f"http://{HOST}:{each.port}" for each in servers}
    began = time.monotonic()

    def say(sentence: str) -> None:
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    def came_up(program: Program, seconds: float) -> None:
        for line in _told(program, addresses.get(program.title, ""), seconds):
            say(line)

    with _told_to_stop() as stop, claimed(home, addresses) as (claim, before):
        if before is not None and (ended := end_leftovers(before)):
            say(f"ended what an earlier veritile ui of this home left running: {', '.join(ended)}")
        refuse_taken(servers)
        say(f"starting MLflow, Prefect, the viewer and a worker; their logs are in {home / 'logs'}")

        def noted(program: Program, pid: int) -> None:
            claim.note(home, program.name, pid, program.words)

        with Supervisor(home, say, stop, claim.mark, noted) as supervisor:
            if supervisor.start(servers, came_up) and supervisor.start(
                [worker_program(ports.prefect)], came_up
            ):
                say(f"all up after {time.monotonic() - began:.1f} s; stop them with Ctrl-C")
                supervisor.keep()
            ending = time.monotonic()
        say(f"MLflow, Prefect, the viewer and the worker ended in {time.monotonic() - ending:.1f} s")


def _told(program: Program, address: str, seconds: float) -> Iterator[str]:
    """Yield what is said of a program that is up."""
    if program.name == "mlflow":
        yield f"MLflow   {address}/#/experiments?{KIND}  (up after {seconds:.1f} s)"
        for name, number in _studies(address):
            yield f"         {address}/#/experiments/{number}/runs?{KIND}  ({name})"
    elif program.name == "prefect":
        yield f"Prefect  {address}  (up after {seconds:.1f} s)"
        yield f"         for other commands: export PREFECT_API_URL={address}/api"
    elif program.name == "viewer":
        yield f"Viewer   {address}  (up after {seconds:.1f} s)"
    else:
        yield f"worker   takes one scheduled run at a time  (up after {seconds:.1f} s)"


def _studies(address: str) -> list[tuple[str, str]]:
    """Return name and number of the experiments of MLflow that hold a study, the last changed first."""
    asked = json.dumps({"max_results": _STUDIES + 1, "order_by": ["last_update_time DESC"]}).encode()
    request = urllib.request.Request(  # noqa: S310  # our own loopback address
        f"{address}/api/2.0/mlflow/experiments/search", asked, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            found = json.load(answer).get("experiments", [])
    except (urllib.error.URLError, OSError, ValueError):
        return []  # a link less; the page lists them too
    # Number 0 is MLflow's own, where nothing of ours is kept.
    studies = [(each["name"], each["experiment_id"]) for each in found if each["experiment_id"] != "0"]
    return studies[:_STUDIES]


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """Yield what is set as soon as a signal asks this process to end; until then signals end nothing."""
    stop = threading.Event()

    def hear(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup sets it
            before[number] = signal.signal(number, hear)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

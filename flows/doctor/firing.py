"""A test schedule that really fires: a temporary server and worker, and a flow of a few milliseconds.

A wrong version of one library once let the server run in good health without ever scheduling anything.
"""

import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from flows.doctor.finding import Finding
from flows.services.program import HOST, ServerError
from flows.services.programs import POOL, prefect_program, worker_program
from flows.services.supervisor import Supervisor

LIMIT_S = 120.0
"""From the start of the worker to the end of a scheduled run."""
_EVERY = timedelta(seconds=10)
_LOOK_S = 0.5


def firing_finding(limit_s: float = LIMIT_S) -> Finding:
    """Start a server and a worker on a home of their own, and wait until a schedule has fired."""
    with (
        tempfile.TemporaryDirectory(prefix="veritile-schedule-") as folder,
        _of_its_own(Path(folder)) as home,
    ):
        port, fired = _free_port(), home / "fired"
        began = time.monotonic()
        try:
            with Supervisor(home, lambda _: None) as supervisor:
                supervisor.start([prefect_program(port)])
                _schedule(f"http://{HOST}:{port}/api", fired)
                supervisor.start([worker_program(port)])
                return _await(fired, supervisor, began, limit_s)
        except ServerError as error:
            return Finding("schedule", "fault", f"a temporary Prefect does not work: {error}")


def _await(fired: Path, supervisor: Supervisor, began: float, limit_s: float) -> Finding:
    deadline = time.monotonic() + limit_s
    looking = threading.Event()
    while not fired.is_file():
        if time.monotonic() > deadline:
            lines = worker_program(0).last_lines(supervisor.home)
            return Finding(
                "schedule",
                "fault",
                f"a test schedule did not fire within {limit_s:.0f} s, so no schedule will; wrong versions "
                f"are the likely cause. The worker said last: {' | '.join(lines) or 'nothing'}",
            )
        looking.wait(_LOOK_S)
    return Finding(
        "schedule", "ok", f"a test schedule fired and ran; all took {time.monotonic() - began:.0f} s"
    )


def _schedule(api: str, fired: Path) -> None:
    """Put the flow on a schedule of the temporary server."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.deployments.runner import RunnerDeployment
    from prefect.schedules import Interval
    from prefect.settings import PREFECT_API_URL, temporary_settings
    from prefect.types.entrypoint import EntrypointType

    from flows.doctor.tick import tick

    with temporary_settings({PREFECT_API_URL: api}):
        with get_client(sync_client=True) as client:
            client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
        RunnerDeployment.from_flow(
            tick,
            name="doctor",
            schedule=Interval(_EVERY),
            parameters={"file": str(fired)},
            work_pool_name=POOL,
            entrypoint_type=EntrypointType.MODULE_PATH,
        ).apply()


@contextmanager
def _of_its_own(home: Path) -> Iterator[Path]:
    """Let what is started keep its state in ``home`` while the block runs."""
    before = os.environ.get("PREFECT_HOME")
    os.environ["PREFECT_HOME"] = str(home / "prefect")
    try:
        yield home
    finally:
        if before is None:
            del os.environ["PREFECT_HOME"]
        else:
            os.environ["PREFECT_HOME"] = before


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])

"""One server or worker for the length of a block; ``veritile ui`` keeps all of them running."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

from flows.services.ports import refuse_taken
from flows.services.program import HOST, Program, ServerError
from flows.services.programs import POOL, mlflow_program, prefect_program, worker_program
from flows.services.supervisor import Supervisor

__all__ = ["HOST", "POOL", "ServerError", "mlflow_server", "prefect_server", "prefect_worker"]


@contextmanager
def mlflow_server(home: Path, port: int) -> Iterator["Popen[bytes]"]:
    """Serve the MLflow store below ``home``, its database migrated first.

    Raises:
        UsageError: the port is taken.
        ServerError: it did not come up.
    """
    with _running(mlflow_program(home, port), home) as process:
        yield process


@contextmanager
def prefect_server(home: Path, port: int) -> Iterator["Popen[bytes]"]:
    """Serve Prefect's API and UI; its state is where PREFECT_HOME says.

    Raises:
        UsageError: the port is taken.
        ServerError: it did not come up.
    """
    with _running(prefect_program(port), home) as process:
        yield process


@contextmanager
def prefect_worker(home: Path, port: int) -> Iterator["Popen[bytes]"]:
    """Run one process worker that takes one scheduled study at a time.

    Args:
        home: the folder of all state, where its log is.
        port: of Prefect's server on this machine.

    Raises:
        ServerError: it did not come up.
    """
    with _running(worker_program(port), home) as process:
        yield process


@contextmanager
def _running(program: Program, home: Path) -> Iterator["Popen[bytes]"]:
    refuse_taken([program])
    with Supervisor(home, lambda _: None) as supervisor:
        supervisor.start([program])
        yield supervisor.process_of(program)

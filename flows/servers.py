"""The two UIs and a worker, on this machine alone, for as long as the command runs."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console

from tasks.study.errors import UsageError

HOST = "127.0.0.1"
POOL = "veritile"
_PATIENCE_S = 180.0
_GRACE_S = 10.0


class ServerError(RuntimeError):
    """A server that did not start, or ended by itself; the message names its log."""


def serve_uis(home: Path, mlflow_port: int, prefect_port: int, console: Console) -> None:
    """Run MLflow, Prefect and one worker until interrupted.

    Raises:
        UsageError: a port is taken.
        ServerError: a server did not come up.
    """
    # A supervisor's SIGTERM must end the servers too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with ExitStack() as running:
        mlflow = running.enter_context(mlflow_server(home, mlflow_port))
        prefect = running.enter_context(prefect_server(home, prefect_port))
        worker = running.enter_context(prefect_worker(home, prefect_port))
        console.print(f"MLflow   http://{HOST}:{mlflow_port}  (studies: Experiments -> the study's name)")
        console.print(f"Prefect  http://{HOST}:{prefect_port}  (a worker is waiting for scheduled runs)")
        console.print("stop both with Ctrl-C")
        _wait([mlflow, prefect, worker])


@contextmanager
def mlflow_server(home: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Serve the MLflow store below ``home``, its database migrated first."""
    from tasks.tracking.database import local_tracking_uri, migrate

    home = home.resolve()
    migrate(home)
    words = f"mlflow server --host {HOST} --port {port} --workers 1".split()
    words += ["--backend-store-uri", local_tracking_uri(home)]
    words += ["--artifacts-destination", str(home / "mlflow" / "artifacts")]
    # Its own guard stays on, whatever the environment says: names of this machine, and no other page.
    own = (f"{HOST}:{port}", f"localhost:{port}")
    words += ["--allowed-hosts", ",".join(own)]
    words += ["--cors-allowed-origins", ",".join(f"http://{name}" for name in own)]
    words += ["--x-frame-options", "SAMEORIGIN"]
    with _process("mlflow", words, home, port, f"http://{HOST}:{port}/health") as process:
        yield process


@contextmanager
def prefect_server(home: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Serve Prefect's API and UI with its state below ``home``."""
    words = f"flows.guarded_server --port {port}".split()
    with _process("prefect", words, home, port, f"http://{HOST}:{port}/api/health") as process:
        yield process


@contextmanager
def prefect_worker(home: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run one process worker that takes one scheduled study at a time."""
    words = f"prefect worker start --pool {POOL} --type process --limit 1".split()
    with _started("worker", words, home, {"PREFECT_API_URL": f"http://{HOST}:{port}/api"}) as process:
        yield process


@contextmanager
def _process(
    name: str, words: Sequence[str], home: Path, port: int, health: str
) -> Iterator["subprocess.Popen[bytes]"]:
    _refuse_taken(name, port)
    settings = {"PREFECT_API_URL": "", "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE": "false"}
    with _started(name, words, home, settings) as process:
        _await_health(name, process, health, home)
        yield process


@contextmanager
def _started(
    name: str, words: Sequence[str], home: Path, settings: Mapping[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    logs = home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    environment = {key: value for key, value in {**os.environ, **settings}.items() if value}
    with (logs / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and fixed words
            [sys.executable, "-m", *words],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a server and everything it started; one that does not heed the first signal is killed."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(_GRACE_S)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _refuse_taken(name: str, port: int) -> None:
    with socket.socket() as probe:
        if probe.connect_ex((HOST, port)) == 0:
            raise UsageError(f"port {port} for {name} is taken on {HOST}; give another with --{name}-port")


def _await_health(name: str, process: "subprocess.Popen[bytes]", url: str, home: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerError(f"{name} ended with code {process.returncode}; see {home / 'logs' / name}.log")
        if _healthy(url):
            return
        time.sleep(0.5)
    raise ServerError(
        f"{name} did not answer at {url} within {_PATIENCE_S:.0f} s; see {home / 'logs' / name}.log"
    )


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # our own loopback address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _wait(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    try:
        while all(process.poll() is None for process in processes):
            time.sleep(1)
    except KeyboardInterrupt:
        return
    raise ServerError("a server ended by itself; the logs folder says why")

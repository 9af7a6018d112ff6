"""Settings that must stand before torch, Prefect and MLflow are first imported."""

import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path

from flows.open_files import raise_open_files

NO_TELEMETRY = {
    # The word: MLflow does not accept "1".
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
}
QUIET = NO_TELEMETRY | {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "GIT_PYTHON_REFRESH": "quiet",
    # A temporary server costs 200 MB and many seconds, and a kill leaves it behind.
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    # Prefect lets a page of any site read its answers unless it is told which; its own page needs none.
    "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": "http://127.0.0.1",
    "PREFECT_RUNNER_POLL_FREQUENCY": "5",
    "PREFECT_WORKER_QUERY_SECONDS": "5",
    # The UI gets every line, the terminal one sentence an error; --debug shows the rest.
    "PREFECT_LOGGING_LEVEL": "INFO",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "veritile",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "MPLBACKEND": "Agg",
}
QUICK = {
    # Threads that spin for long take the cores from one another on a shared machine; threads that sleep at
    # once take a third longer on a quiet one. So few turns do both (docs/benchmarks.md).
    "GOMP_SPINCOUNT": "10000",
    # Freed memory is kept for the next tensor: the GNU allocator otherwise gives every large block back to
    # the kernel, which clears its pages again at every layer of every pass (docs/benchmarks.md).
    "MALLOC_MMAP_THRESHOLD_": f"{256 << 20}",
    "MALLOC_TOP_PAD_": f"{256 << 20}",
    "MALLOC_TRIM_THRESHOLD_": f"{1 << 30}",
}
"""What makes passes on a CPU quicker and changes no number."""
SETTINGS = {**QUIET, **QUICK}
SAID_TO_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": -3, "MALLOC_TOP_PAD_": -2, "MALLOC_TRIM_THRESHOLD_": -1}
"""Names of the environment, which processes that start later read, and of ``mallopt`` in this one."""


def stop_telemetry() -> None:
    """Switch off the telemetry of Prefect and MLflow, unless the user has decided."""
    for name, value in NO_TELEMETRY.items():
        os.environ.setdefault(name, value)


def set_environment() -> None:
    """Set what the user has not set."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)


def prepare(home: Path, *, writes: bool = True) -> None:
    """Set what the user has not set, and raise limits; Prefect's own state goes below ``home``.

    Args:
        home: the folder of all state.
        writes: whether the command makes anything; one that only reads makes no folder.
    """
    set_environment()
    _tell_allocator()
    raise_open_files()
    own = (home / "prefect").resolve()
    # A home that may only be read is told by what needs to write, with its own sentence.
    if writes:
        with suppress(OSError):
            own.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PREFECT_HOME", str(own))


def _tell_allocator() -> None:
    """Set for this process what its allocator reads from the environment only when a process starts."""
    if sys.platform != "linux":
        return
    tell = getattr(ctypes.CDLL(None), "mallopt", None)
    if tell is None:  # as in musl
        return
    for name, parameter in SAID_TO_ALLOCATOR.items():
        if os.environ[name].isdecimal():
            tell(parameter, ctypes.c_int(int(os.environ[name])))

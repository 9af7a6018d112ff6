"""Settings of Prefect and MLflow that must stand before either is first imported."""

import os
from pathlib import Path

QUIET = {
    # The word: MLflow does not accept "1".
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "GIT_PYTHON_REFRESH": "quiet",
    # A cold start of the temporary server takes most of the default 20 s on two cores.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    "PREFECT_RUNNER_POLL_FREQUENCY": "5",
    "PREFECT_WORKER_QUERY_SECONDS": "5",
    # The UI gets every line, the terminal one sentence an error; --debug shows the rest.
    "PREFECT_LOGGING_LEVEL": "INFO",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "veritile",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "MPLBACKEND": "Agg",
    # Threads that spin for long take the cores from one another on a shared machine; threads that sleep at
    # once take a third longer on a quiet one. So few turns do both (docs/benchmarks.md).
    "GOMP_SPINCOUNT": "10000",
}


def prepare(home: Path) -> None:
    """Set what the user has not set; Prefect's own state goes below ``home``."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    own = (home / "prefect").resolve()
    own.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PREFECT_HOME", str(own))

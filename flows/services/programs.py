"""The programs that Veritile keeps running: MLflow, Prefect, the viewer and one worker of scheduled runs."""

import json
import os
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from flows.services.program import HOST, Program, answers

POOL = "veritile"
WORKER = "veritile-ui"
"""Name of the worker, so that every start is the same worker for Prefect."""

_PAGE = {
    # Relative, so that it is right behind a tunnel or a proxy too; the default is port 4200 of this machine.
    "PREFECT_SERVER_UI_API_URL": "/api",
    # The page of version 2 asks a server of Amplitude for settings as it opens, also where analytics are off.
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
}


def mlflow_program(home: Path, port: int) -> Program:
    """Return MLflow's server over the database below ``home``, which it migrates first."""
    words = ("-m", "tasks.tracking.server", str(home.resolve()), HOST, str(port))
    url = f"http://{HOST}:{port}/health"
    settings = {"PREFECT_API_URL": "", "MLFLOW_TRACKING_URI": ""}
    return Program("mlflow", "MLflow", words, lambda _: answers(url), settings, port)


def prefect_program(port: int) -> Program:
    """Return Prefect's server, whose page asks the same server for data, whatever its port."""
    words = ("-m", "flows.guarded_server", "--port", str(port))
    settings = {"PREFECT_API_URL": "", **{name: os.environ.get(name, own) for name, own in _PAGE.items()}}
    url = f"http://{HOST}:{port}/api/health"
    return Program("prefect", "Prefect", words, lambda _: answers(url), settings, port)


def viewer_program(home: Path, port: int) -> Program:
    """Return the viewer of slides, which shows every study that the home has run."""
    words = ("-m", "flows.viewing.serve", "--home", str(home.resolve()), "--port", str(port))
    url = f"http://{HOST}:{port}/health"
    return Program("viewer", "the viewer", words, lambda _: answers(url), {}, port)


def worker_program(prefect_port: int) -> Program:
    """Return one process worker that takes one scheduled study at a time."""
    words = ["-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
    words += ["--limit", "1", "--name", WORKER]
    api = f"http://{HOST}:{prefect_port}/api"
    return Program(
        "worker",
        "the worker",
        tuple(words),
        lambda since: _heard_from_worker(api, since),
        {"PREFECT_API_URL": api},
    )


def _heard_from_worker(api: str, since: float) -> bool:
    """Say whether the worker told Prefect that it lives after it was started."""
    request = urllib.request.Request(  # noqa: S310  # our own loopback address
        f"{api}/work_pools/{POOL}/workers/filter", b"{}", {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            workers = json.load(answer)
    except (urllib.error.URLError, OSError, ValueError):
        return False
    started = datetime.fromtimestamp(since, UTC)
    return any(
        worker["name"] == WORKER
        and worker["last_heartbeat_time"] is not None
        and datetime.fromisoformat(worker["last_heartbeat_time"]) >= started
        for worker in workers
    )

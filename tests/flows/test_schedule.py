"""A schedule really fires: a server, a worker, a deployment every few seconds, and a run that ends in MLflow.

A dependency once broke schedules without a word: the server was healthy and nothing was ever scheduled.
"""

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from flows.environment import prepare
from flows.servers import prefect_server, prefect_worker
from tests._support.ports import free_port
from tests._support.studies import tiny_config

pytestmark = pytest.mark.slow

VERITILE = str(Path(sys.executable).with_name("veritile"))
PATIENCE_S = 300


def finished_runs(database):
    if not database.is_file():
        return []
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        try:
            found = connection.execute("select name from runs where status = 'FINISHED'")
            return [name for (name,) in found]
        except sqlite3.OperationalError:
            return []  # not migrated yet, or being written


def prefect(url, *words):
    """Return what the prefect command says; with FastAPI 0.154 its lists are refused by its own server."""
    told = [sys.executable, "-m", "prefect", *words]
    environment = {**os.environ, "PREFECT_API_URL": url, "COLUMNS": "200"}
    return subprocess.run(told, capture_output=True, text=True, check=True, env=environment).stdout


def test_a_scheduled_study_ends_in_mlflow(manifest, tmp_path, monkeypatch):
    for name in [n for n in os.environ if n.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    home, port = tmp_path / "home", free_port()
    prepare(home)
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny_config(manifest).model_dump(mode="json")))
    url = f"http://127.0.0.1:{port}/api"
    with prefect_server(home, port):
        words = [VERITILE, "schedule", str(path), "--every", "15", "--home", str(home)]
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, env={**os.environ, "PREFECT_API_URL": url}
        )
        assert done.returncode == 0, done.stderr
        assert "scheduled study/tiny" in done.stdout
        assert "study/tiny" in prefect(url, "deployment", "ls")
        with prefect_worker(home, port):
            deadline = time.monotonic() + PATIENCE_S
            database = home / "mlflow" / "mlflow.db"
            while "tiny" not in finished_runs(database):
                assert time.monotonic() < deadline, (home / "logs" / "worker.log").read_text()[-4000:]
                time.sleep(1)
    assert {"standard seed 0", "modulated seed 0"} <= set(finished_runs(database))

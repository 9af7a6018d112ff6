"""MLflow and Prefect on Postgres: a study runs under a Prefect server and is recorded in a database."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import yaml

from flows.servers import prefect_server
from tasks.tracking.ask import ask
from tasks.tracking.database import open_client
from tasks.tracking.errors import TrackingError
from tests._support.ports import free_port
from tests._support.postgres import postgres
from tests._support.studies import tiny_cohort, tiny_config

pytestmark = pytest.mark.soak


def flow_runs(api):
    request = urllib.request.Request(
        f"{api}/flow_runs/filter", data=b"{}", headers={"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return [run["state_type"] for run in json.load(answer)]


def test_a_study_runs_and_is_recorded_on_postgres(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    home, server = tmp_path / "home", free_port()
    with postgres("mlflow", "prefect") as port:
        uri = f"postgresql://veritile@127.0.0.1:{port}/mlflow"
        config = tiny_config(tiny_cohort(tmp_path / "cohort"), record={"tracking_uri": uri})
        (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
        address = f"postgresql+asyncpg://veritile@127.0.0.1:{port}/prefect"
        monkeypatch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", address)
        monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
        with prefect_server(home, server):
            api = f"http://127.0.0.1:{server}/api"
            code = "from flows.cli import main; main()"
            words = [sys.executable, "-c", code, "run", str(tmp_path / "tiny.yaml"), "--home", str(home)]
            environment = {**os.environ, "PREFECT_API_URL": api}
            done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
            assert done.returncode == 0, done.stderr
            assert flow_runs(api) == ["COMPLETED"]
        assert not list((tmp_path / "prefect").glob("*.db")), "Prefect's state is in Postgres"
        client = open_client(home, uri)
        runs = client.search_runs([client.get_experiment_by_name("tiny").experiment_id])
        assert {run.info.run_name for run in runs} == {"tiny", "standard seed 0", "modulated seed 0"}
        assert {run.info.status for run in runs} == {"FINISHED"}
        parent = next(run for run in runs if run.info.run_name == "tiny")
        page = client.download_artifacts(parent.info.run_id, "review.html")
        assert Path(page).read_text(encoding="utf-8").lower().startswith("<!doctype html>")
        assert parent.info.artifact_uri.startswith((home / "mlflow" / "artifacts").as_uri())
        assert not (home / "mlflow" / "mlflow.db").exists()
        with pytest.raises(TrackingError, match='database "nothing" does not exist'):
            ask(home, f"postgresql://veritile@127.0.0.1:{port}/nothing")
    with pytest.raises(TrackingError, match="nothing listens there"):
        ask(home, uri)

import dataclasses
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from tasks.tracking.ask import ask
from tasks.tracking.database import experiment_id, local_tracking_uri, migrate, open_client
from tasks.tracking.runs import new_run
from tasks.tracking.study import record_study
from tests._support.ports import free_port
from tests._support.record_jobs import make_record_job

PATIENCE_S = 120


@pytest.fixture
def moved(make_home, tmp_path):
    """A home with a run that has a text, moved since; and the id of the run."""
    home = make_home(tmp_path / "first place")
    client = open_client(home, None)
    with new_run(client, experiment_id(client, "before", home, local=True), "one", {}) as run:
        client.log_text(run, "of the first place", "told.txt")
    shutil.move(home, tmp_path / "server")
    migrate(tmp_path / "server")
    return tmp_path / "server", run


@pytest.fixture
def server(moved, tmp_path):
    home, port = moved[0], free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", local_tracking_uri(home)]
    command += ["--artifacts-destination", str(home / "artifacts")]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, **quiet}, stdout=log, stderr=log)
        try:
            yield wait_for(f"http://127.0.0.1:{port}", process)
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_for(uri, process):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{uri}/health", timeout=5):
                return uri
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise TimeoutError("the MLflow server did not come up")


@pytest.mark.slow
def test_a_server_is_recorded_to_as_the_local_database_is(server, moved, tmp_path):
    with urllib.request.urlopen(
        f"{server}/get-artifact?path=told.txt&run_uuid={moved[1]}", timeout=60
    ) as told:
        assert told.read() == b"of the first place"
    job = make_record_job(tmp_path, tmp_path / "home", arms=("standard",))
    job = dataclasses.replace(job, tracking_uri=server)
    ask(job.home, server)
    summary = record_study(job)
    client = open_client(job.home, server)
    run = client.get_run(summary.children["standard_s0"])
    assert run.info.artifact_uri.startswith("mlflow-artifacts:")
    assert run.data.metrics["cost/seconds"] == 3.0
    assert "checkpoint" in [item.path for item in client.list_artifacts(run.info.run_id)]
    assert record_study(job).created == ()
    assert not (job.home / "mlflow" / "mlflow.db").exists()

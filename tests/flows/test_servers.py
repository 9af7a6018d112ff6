"""veritile ui with the real servers: they answer on loopback alone, and nothing outlives it."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from flows.servers import mlflow_server
from tasks.study.errors import UsageError
from tests._support.ports import free_port
from tests._support.services import lives, ui_environment, wait_for

ROOT = Path(__file__).parents[2]
UI = "from flows.cli import main; main()"
PATIENCE_S = 400


def descendants(pid):
    import psutil

    return [each.pid for each in psutil.Process(pid).children(recursive=True)]


def get(url, body=None, **headers):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, None


def text_of(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read().decode()


@pytest.fixture
def ui(tmp_path):
    """A running ``veritile ui``: the process, what it said until all was up, and the three addresses."""
    ports = free_port(), free_port(), free_port()
    words = [sys.executable, "-c", UI, "ui", "--home", str(tmp_path / "home")]
    words += ["--mlflow-port", str(ports[0]), "--prefect-port", str(ports[1])]
    words += ["--viewer-port", str(ports[2])]
    clean = {n: v for n, v in ui_environment().items() if not n.startswith(("PREFECT_", "MLFLOW_TRACKING"))}
    with (
        (tmp_path / "said").open("w") as said,
        subprocess.Popen(words, stdout=said, stderr=said, text=True, env=clean, cwd=ROOT) as process,
    ):
        try:
            told = (tmp_path / "said").read_text
            wait_for(lambda: "all up after" in told() or process.poll() is not None, PATIENCE_S)
            assert process.poll() is None, told()
            yield process, told, *(f"http://127.0.0.1:{port}" for port in ports)
        finally:
            process.kill()


@pytest.mark.slow
def test_the_servers_answer_heal_and_die_with_the_command(ui, tmp_path):
    process, told, mlflow, prefect, viewer = ui
    assert f"{mlflow}/#/experiments?workflowType=machine_learning" in told()
    assert re.search(rf"Prefect  {prefect}  \(up after \d+\.\d s\)", told())
    # Prefect's page asks the server that it came from, whatever the port, and MLflow refuses other hosts.
    assert get(f"{prefect}/ui-settings")[1]["api_url"] == "/api"
    assert get(f"{prefect}/ui-settings")[1]["default_ui"] == "v1"
    asked = {"name": "tiny"}
    assert get(f"{mlflow}/api/2.0/mlflow/experiments/create", asked, Host="evil.example")[0] == 403
    _, made = get(f"{mlflow}/api/2.0/mlflow/experiments/create", asked)
    _, found = get(f"{mlflow}/api/2.0/mlflow/experiments/get?experiment_id={made['experiment_id']}")
    assert found["experiment"]["artifact_location"].startswith("mlflow-artifacts:/")
    upload = f"{mlflow}/api/2.0/mlflow-artifacts/artifacts/1/note.txt"
    with urllib.request.urlopen(urllib.request.Request(upload, b"a picture", method="PUT"), timeout=60):
        kept = tmp_path / "home" / "mlflow" / "artifacts" / "1" / "note.txt"
        assert kept.read_bytes() == b"a picture"
    assert "Studies of this home" in text_of(viewer)
    state = json.loads((tmp_path / "home" / "services" / "state.json").read_text())
    first = int(state["services"]["worker"]["process"].split("~")[-2])
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: "the worker is up again" in told(), PATIENCE_S)
    assert "the worker ended by signal 9" in told()
    family = descendants(process.pid)
    assert len(family) == 5, "watcher, MLflow, Prefect, viewer, worker"
    process.kill()
    wait_for(lambda: not any(map(lives, family)), PATIENCE_S)


@pytest.mark.slow
@pytest.mark.browser
def test_the_pages_open_and_ask_nobody_else(ui):
    from tests._support.browser import browser

    process, told, mlflow, prefect, _ = ui
    get(f"{mlflow}/api/2.0/mlflow/experiments/create", {"name": "tiny"})
    with browser() as page:
        page.open(prefect)
        page.wait("document.body?.innerText.includes('Run a task or flow to get started')")
        assert "Can't connect" not in page.get("document.body.innerText")
        page.open(f"{mlflow}/#/experiments?workflowType=machine_learning")
        page.wait("document.body?.innerText.includes('tiny')")
        assert "Traces" not in page.get("document.body.innerText")
        outside = [
            r for r in page.requests if not r.startswith((prefect, mlflow, "data:", "about:", "blob:"))
        ]
        assert outside == []
    process.terminate()
    assert process.wait(PATIENCE_S) == 0
    assert "MLflow, Prefect, the viewer and the worker ended in" in told()


def test_a_taken_port_is_refused_with_a_sentence(tmp_path):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(
                UsageError, match=f"port {port} for MLflow is taken on 127.0.0.1 by pid {os.getpid()}"
            ),
            mlflow_server(tmp_path, port),
        ):
            pass

"""Servers that answer, are of another version, or do not answer at all; asked of small servers."""

import json
import os
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from time import time

import pytest

from flows.doctor.reachable import server_findings
from flows.services.claim import claimed, read_claim
from tasks.artifacts.process_identity import this_process
from tasks.artifacts.redacted import without_user
from tests._support.ports import free_port


@pytest.fixture
def answers():
    """What a small server says by path; the status is 404 elsewhere."""
    said = {}

    class Small(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response_only(200 if self.path in said else 404)
            self.send_header("Date", said.get("date", formatdate(time(), usegmt=True)))
            self.end_headers()
            self.wfile.write(said.get(self.path, "").encode())

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Small) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        said["url"] = f"http://127.0.0.1:{server.server_port}"
        yield said
        server.shutdown()


def name(monkeypatch, url):
    """Let the user have named a server, by whatever way; Prefect reads its settings once in a process."""
    monkeypatch.setattr("flows.doctor.reachable.named_url", lambda _home: url)


def found(home, check, uri=None):
    return [(each.level, each.told) for each in server_findings(home, uri) if each.check == check]


def test_nothing_is_named_and_nothing_runs(tmp_path, monkeypatch):
    name(monkeypatch, None)
    assert {each.check: each.level for each in server_findings(tmp_path, None)} == {
        "veritile ui": "ok", "prefect": "ok", "mlflow": "ok",
    }  # fmt: skip


def test_a_prefect_that_does_not_answer_is_a_fault(tmp_path, monkeypatch):
    name(monkeypatch, f"http://me:secret@127.0.0.1:{free_port()}/api")
    ((level, told),) = found(tmp_path, "prefect")
    assert level == "fault"
    assert "Connection refused" in told
    assert "secret" not in told


def test_a_prefect_with_a_worker(tmp_path, monkeypatch, answers):
    name(monkeypatch, f"{answers['url']}/api")
    answers |= {"/api/health": "true", "/api/admin/version": f'"{version("prefect")}"'}
    workers = [{"name": "veritile-ui", "status": "ONLINE"}, {"name": "old", "status": "OFFLINE"}]
    answers["/api/work_pools/veritile/workers/filter"] = json.dumps(workers)
    assert [level for level, _ in found(tmp_path, "prefect")] == ["ok"]
    assert found(tmp_path, "worker") == [("ok", "veritile-ui takes scheduled runs of pool veritile")]


@pytest.mark.parametrize("workers", ["[]", "no JSON", '[{"name": "old", "status": "OFFLINE"}]'])
def test_a_prefect_of_another_version_without_a_worker_and_with_another_clock(
    tmp_path, monkeypatch, answers, workers
):
    name(monkeypatch, f"{answers['url']}/api")
    answers |= {"/api/health": "true", "/api/admin/version": '"2.0.0"', "date": formatdate(time() - 600)}
    answers["/api/work_pools/veritile/workers/filter"] = workers
    ((level, told),) = found(tmp_path, "prefect")
    assert (level, "is version 2.0.0" in told) == ("warning", True)
    assert [level for level, _ in found(tmp_path, "worker")] == ["warning"]
    ((_, told),) = found(tmp_path, "clock")
    assert "differs by -" in told


@pytest.mark.parametrize(("said", "level"), [(version("mlflow"), "ok"), ("2.9.0", "fault")])
def test_an_mlflow_elsewhere(tmp_path, answers, said, level):
    answers |= {"/health": "OK", "/version": said}
    assert [each for each, _ in found(tmp_path, "mlflow", answers["url"])] == [level]


def test_an_mlflow_elsewhere_that_does_not_answer(tmp_path):
    ((level, told),) = found(tmp_path, "mlflow", f"http://127.0.0.1:{free_port()}")
    assert (level, "where record.tracking_uri points" in told) == ("fault", True)


def test_a_database_elsewhere_is_named_without_its_password(tmp_path):
    ((level, told),) = found(tmp_path, "mlflow", "postgresql://me:secret@db/mlflow")
    assert (level, told) == ("ok", "postgresql://db/mlflow is asked when a study is recorded")
    assert without_user("postgresql://me:secret@db/mlflow") == "postgresql://db/mlflow"


def test_the_ui_of_the_home_is_named_and_so_is_one_that_was_killed(tmp_path):
    with claimed(tmp_path, {"MLflow": "http://127.0.0.1:1"}):
        ((level, told),) = found(tmp_path, "veritile ui")
        assert (level, "MLflow http://127.0.0.1:1" in told) == ("ok", True)
        state = tmp_path / "services" / "state.json"
        own = this_process()
        state.write_text(state.read_text().replace(own.text, own.text.rpartition("~")[0] + "~1"))
        assert read_claim(tmp_path) is not None
        ((level, told),) = found(tmp_path, "veritile ui")
        assert (level, "one was killed" in told) == ("warning", True)
        assert os.getpid() == own.pid

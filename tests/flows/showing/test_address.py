"""A server is found where it is named or served, and asked whether it answers."""

import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from flows.showing.address import named_url, server_of, silence_of
from tests._support.ports import free_port


@pytest.fixture
def without_prefect(monkeypatch, tmp_path):
    """As in a command before Prefect is imported, in a folder without settings."""
    monkeypatch.delitem(sys.modules, "prefect", raising=False)
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    yield monkeypatch
    assert "prefect" not in sys.modules, "a light command paid for Prefect"


@pytest.fixture
def answering():
    """A server that answers with the status that its address names."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(int(self.path.split("/")[1]))
            self.end_headers()

        def log_message(self, *words):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_environment_names_a_server_and_nothing_else_does(without_prefect, tmp_path):
    assert server_of(tmp_path / "home") is None
    without_prefect.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    assert named_url(tmp_path / "home") == "http://127.0.0.1:1/api"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("home/prefect/profiles.toml", "[profiles.a]\nPREFECT_API_URL = 'http://b/api'"),
        ("prefect.toml", "[api]\nurl = 'http://b/api'"),
        ("pyproject.toml", "[tool.prefect.api]\nurl = 'http://b/api'"),
    ],
)
def test_prefect_is_asked_where_one_of_its_files_may_name_a_server(tmp_path, name, text):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)
    code = (
        "from pathlib import Path; from flows.environment import prepare; prepare(Path('home'));"
        "from flows.showing.address import named_url; print(named_url(Path('home')))"
    )
    import subprocess

    clean = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path,
        env={**clean, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    active = "None" if "profiles" in name else "http://b/api"  # a profile counts once it is made active
    assert told.stdout.strip() == active


@pytest.mark.parametrize(("status", "silent"), [(200, False), (401, False), (404, False), (503, True)])
def test_any_answer_counts_but_that_of_a_server_out_of_order(answering, status, silent):
    assert bool(silence_of(f"{answering}/{status}")) == silent


def test_a_server_that_is_not_there_is_named_by_its_refusal():
    assert silence_of(f"http://127.0.0.1:{free_port()}/api") == "Connection refused"


def test_a_server_that_hangs_is_not_waited_for():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert silence_of(f"http://127.0.0.1:{silent.getsockname()[1]}/api", 0.2) == "no answer in time"


@pytest.mark.parametrize("url", ["nonsense", "http://", "http://host:port/api"])
def test_what_is_no_address_does_not_answer(url):
    assert silence_of(url)

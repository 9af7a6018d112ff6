"""A run against a real Prefect server: killed alone, ended by a signal, and left alone by the server."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from functools import partial

import psutil
import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.showing.address import silence_of
from tests._support.ports import free_port
from tests._support.studies import tiny_config

pytestmark = pytest.mark.slow

PATIENCE_S = 900
# Waits in the second build, in a thread, until it is told to go on.
VICTIM = """
import sys, time
from pathlib import Path
place = Path(sys.argv.pop(1))
from tasks.artifacts.store import Store
whole, calls = Store.reuse_or_build, []
def build(self, *words, **options):
    calls.append(1)
    if len(calls) == 2:
        (place / "here").touch()
        while not (place / "go").exists():
            time.sleep(0.05)
    return whole(self, *words, **options)
Store.reuse_or_build = build
from flows.cli import main
main()
"""


def until(done, what):
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


STARTED = []


@pytest.fixture(autouse=True)
def nothing_left():
    """A test that fails leaves no run that waits for ever."""
    yield
    for process in STARTED:
        process.kill()
        process.wait()
    STARTED.clear()


class Victim:
    """``veritile run --only tile`` in a process of its own, in the middle of its second build."""

    def __init__(self, folder, study_file, url):
        self.place = folder
        folder.mkdir()
        words = [sys.executable, "-c", VICTIM, str(folder), "run", str(study_file), "--only", "tile"]
        words += ["--home", str(folder.parent / "home")]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        clean |= {"PREFECT_API_URL": url} if url else {}
        self._log = (folder / "log").open("w+")
        self.process = subprocess.Popen(
            words,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=clean,
            # Tests that were started in the background ignore it, and so would what they start.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )
        STARTED.append(self.process)
        until(lambda: (folder / "here").exists() or self.process.poll() is not None, "it never got there")
        assert self.process.poll() is None, self.said

    @property
    def said(self):
        return (self.place / "log").read_text()

    def end(self, number):
        """Send a signal to this process alone; return the exit code, and what it started and left."""
        started = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        until(lambda: not any(each.is_running() for each in started), "it left an orphan")
        return code

    def go_on(self):
        (self.place / "go").touch()
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def study_file(manifest, tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny_config(manifest).model_dump(mode="json")))
    return path


def kill(server):
    """Kill a server with all that it started, as its machine would."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


@contextlib.contextmanager
def server_at(port, log):
    words = f"prefect server start --host 127.0.0.1 --port {port}".split()
    with log.open("w") as stream:
        server = subprocess.Popen(
            [sys.executable, "-m", *words], stdout=stream, stderr=stream, start_new_session=True
        )
        try:
            until(lambda: not silence_of(f"http://127.0.0.1:{port}/api", 5), "the server never came up")
            yield server
        finally:
            kill(server)


def command_of(process):
    with contextlib.suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


def states(url):
    """Return the states of all flow runs, and of all their parts, the oldest first."""
    with temporary_settings({PREFECT_API_URL: url}), get_client(sync_client=True) as client:
        runs = sorted(client.read_flow_runs(), key=lambda run: run.created)
        left = [part for part in client.read_task_runs() if not part.state.is_final()]
        return [run.state.name for run in runs], left


def test_a_killed_run_is_closed_by_the_next_and_a_dying_server_ends_nothing(
    study_file, tmp_path, monkeypatch
):
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    with server_at(port, tmp_path / "server.log") as server:
        killed = Victim(tmp_path / "killed", study_file, url)
        assert killed.end(signal.SIGKILL) == -signal.SIGKILL
        assert states(url)[0] == ["Running"]

        told = Victim(tmp_path / "told", study_file, url)
        assert states(url)[0] == ["Crashed", "Running"]
        assert told.end(signal.SIGTERM) == 128 + signal.SIGTERM
        assert "interrupted during tile/" in told.said
        assert "run the same command again to resume" in told.said
        assert "Traceback" not in told.said
        names, left = states(url)
        assert names == ["Crashed", "Cancelled"]
        assert left == []

        alone = Victim(tmp_path / "alone", study_file, url)
        kill(server)
        assert alone.go_on() == 0, alone.said
    assert alone.said.count("the run goes on, and its parts are not shown there") == 1
    assert "artifacts made" in alone.said
    assert "Error" not in alone.said
    assert "Traceback" not in alone.said


@pytest.mark.soak
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_in_one_sentence(study_file, tmp_path, number):
    victim = Victim(tmp_path / "victim", study_file, "")
    assert victim.end(number) == 128 + number
    *_, sentence = victim.said.splitlines()
    assert sentence.startswith("interrupted during tile/")
    assert sentence.endswith("stored; run the same command again to resume")


@pytest.mark.soak
def test_without_a_server_a_run_starts_none(study_file, tmp_path):
    victim = Victim(tmp_path / "victim", study_file, "")
    started = psutil.Process(victim.process.pid).children(recursive=True)
    assert not [each for each in started if "uvicorn" in command_of(each)]
    assert victim.go_on() == 0, victim.said
    until(lambda: not any(each.is_running() for each in started), "it left an orphan")
    assert "6 artifacts made" in victim.said

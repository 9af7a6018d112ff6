"""veritile ui over small programs: nothing outlives it, however it ends, and it says what it does."""

import contextlib
import os
import signal
import subprocess
import sys
from functools import partial

import pytest

from tests._support.ports import free_port
from tests._support.services import lives, starts_of, ui_environment, ui_words, wait_for

NAMES = ("mlflow", "prefect", "viewer", "worker")


def three_ports():
    return free_port(), free_port(), free_port()


@contextlib.contextmanager
def running(home, ports=None):
    ports = ports or three_ports()
    with subprocess.Popen(
        ui_words(home, ports),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ui_environment(),
        # A shell lets what it starts in the background ignore Ctrl-C, and that is inherited.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ) as ui:
        try:
            yield ui
        finally:
            ui.kill()


def until_up(ui):
    """Return what it said until all was up."""
    said = []
    for line in ui.stdout:
        said.append(line)
        if line.startswith("all up after"):
            return said
    raise AssertionError("".join(said) + ui.stderr.read())


def started(home):
    """Return the pids of all programs, and of what the worker started in a session of its own."""
    grandchild = wait_for(
        lambda: (home / "grandchild.pid").is_file() and (home / "grandchild.pid").read_text()
    )
    return [int(grandchild), *(starts_of(home, name)[-1] for name in NAMES)]


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything_with_a_sentence_and_code_0(tmp_path, sign):
    home = tmp_path / "home"
    with running(home) as ui:
        assert "all up after" in until_up(ui)[-1]
        pids = started(home)
        assert all(map(lives, pids))
        ui.send_signal(sign)
        said, complaints = ui.communicate(timeout=60)
        assert ui.returncode == 0, complaints
        assert "MLflow, Prefect, the viewer and the worker ended in" in said
        assert not any(map(lives, pids))
    assert not (home / "services" / "state.json").exists()


def test_nothing_outlives_a_kill(tmp_path):
    home = tmp_path / "home"
    with running(home) as ui:
        until_up(ui)
        pids = started(home)
        ui.kill()
        wait_for(lambda: not any(map(lives, pids)))


def children_of(pid):
    import psutil

    return psutil.Process(pid).children()


def test_what_a_kill_of_all_left_is_ended_and_named_by_the_next_one(tmp_path):
    home = tmp_path / "home"
    ports = three_ports()
    with running(home, ports) as ui:
        until_up(ui)
        pids = started(home)
        watcher = next(c for c in children_of(ui.pid) if "flows.services.watcher" in c.cmdline())
        # As the kernel does where memory is short: whoever would have cleaned up is gone too.
        watcher.suspend()
        ui.kill()
        ui.wait()
        watcher.kill()
        assert all(map(lives, pids))
    (home / "grandchild.pid").unlink()
    with running(home, ports) as ui:
        said = until_up(ui)
        assert said[0].startswith("ended what an earlier veritile ui of this home left running: ")
        for name, pid in zip(NAMES, pids[1:], strict=True):
            assert f"{name} (pid {pid})" in said[0]
        assert not any(map(lives, pids))


def test_a_second_one_on_a_home_is_refused_with_the_address_of_the_first(tmp_path):
    home = tmp_path / "home"
    ports = three_ports()
    with running(home, ports) as ui:
        until_up(ui)
        words = ui_words(home, three_ports())
        second = subprocess.run(
            words, capture_output=True, text=True, check=False, env=ui_environment(), timeout=120
        )
        assert second.returncode == 1
        titles = zip(("Mlflow", "Prefect", "Viewer"), ports, strict=True)
        told = ", ".join(f"{title} http://127.0.0.1:{port}" for title, port in titles)
        assert told in second.stderr
        assert f"pid {ui.pid} on" in second.stderr
        assert all(len(starts_of(home, name)) == 1 for name in NAMES)


def test_a_program_that_dies_is_started_again_and_named(tmp_path):
    home = tmp_path / "home"
    with running(home) as ui:
        until_up(ui)
        (victim,) = starts_of(home, "worker")
        os.kill(victim, signal.SIGKILL)
        assert ui.stdout.readline().startswith("Worker ended by signal 9 after")
        assert ui.stdout.readline().strip() == "worker speaks"
        assert ui.stdout.readline().strip() == "Worker starts again in 1 s"
        assert ui.stdout.readline().startswith("Worker is up again after")
        assert len(starts_of(home, "worker")) == 2


def test_a_home_that_may_not_be_written_is_one_sentence(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "services").write_text("no folder")
    words = ui_words(tmp_path / "home", three_ports())
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env=ui_environment(), timeout=120
    )
    assert done.stderr.startswith(f"UsageError: the home {tmp_path / 'home'} cannot be written: ")


def test_the_watcher_is_light():
    heavy = "('psutil', 'rich', 'typer')"
    code = f"import sys, flows.services.watcher; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ui_environment()
    )
    assert done.stdout.strip() == "[]"

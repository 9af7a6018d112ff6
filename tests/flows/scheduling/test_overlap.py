"""Runs of one deployment follow one another, and what waits is not more than one."""

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun

from flows.scheduling.overlap import SupersededError, one_at_a_time, superseded

PATIENCE_S = 120
PARAMETERS = {"config": "/a/tiny.yaml", "home": "/a/home"}


def flow_run(name, auto=True, parameters=PARAMETERS):
    due = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=int(name[-1]))
    return FlowRun(
        name=name, flow_id=uuid4(), auto_scheduled=auto, parameters=parameters, expected_start_time=due
    )


def names(runs, own, keep):
    return [run.name for run, _ in superseded(runs, own, keep)]


def test_a_run_that_begins_does_the_work_of_all_that_are_due():
    own, waiting = flow_run("run0"), [flow_run(f"run{n}") for n in (1, 2, 3)]
    assert names([own, *waiting], own, 0) == ["run1", "run2", "run3"]
    assert superseded(waiting, own, 0)[0][1] == "run run0 began after this one came due, and does the same"


def test_while_it_runs_the_last_that_came_due_waits():
    own, waiting = flow_run("run0"), [flow_run(f"run{n}") for n in (1, 2, 3)]
    assert names(waiting, own, 1) == ["run1", "run2"]
    assert names(waiting[-1:], own, 1) == []
    assert names([], own, 1) == []


def test_what_a_person_asked_for_stays():
    own = flow_run("run0")
    assert names([flow_run("run1", auto=False), flow_run("run2")], own, 0) == ["run2"]


def test_one_stage_made_again_does_not_do_the_work_of_a_whole_run():
    own = flow_run("run0", auto=False, parameters={**PARAMETERS, "only": "draw"})
    assert names([flow_run("run1"), flow_run("run2")], own, 0) == ["run1"]


class Runs:
    """Two runs, of which the first is under way until it is let go."""

    def __init__(self, folder):
        self.folder, self.go, self.begun = folder, threading.Event(), []

    def start(self, name, again):
        entered, refused = threading.Event(), []

        def work():
            try:
                with one_at_a_time(self.folder, "tiny", again=again):
                    self.begun.append(name)
                    entered.set()
                    assert self.go.wait(PATIENCE_S)
            except SupersededError as error:
                refused.append(str(error))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread, entered, refused


def test_a_second_run_waits_and_a_third_gives_way(tmp_path, caplog):
    caplog.set_level("INFO", logger="veritile.schedule")
    runs = Runs(tmp_path / "locks")
    first, entered, _ = runs.start("first", again=True)
    assert entered.wait(PATIENCE_S)
    second, second_entered, _ = runs.start("second", again=True)
    while "this one waits for it" not in caplog.text:
        assert second.is_alive()
    third, _, refused = runs.start("third", again=True)
    third.join(PATIENCE_S)
    assert refused == ["a run that came due earlier waits already, and will do the same"]
    assert not second_entered.is_set()
    runs.go.set()
    first.join(PATIENCE_S)
    second.join(PATIENCE_S)
    assert runs.begun == ["first", "second"]


def test_what_a_person_asked_for_waits_beside_a_waiting_one(tmp_path, caplog):
    caplog.set_level("INFO", logger="veritile.schedule")
    runs = Runs(tmp_path / "locks")
    first, entered, _ = runs.start("first", again=True)
    assert entered.wait(PATIENCE_S)
    others = [runs.start("second", again=True)[0], runs.start("asked", again=False)[0]]
    while caplog.text.count("this one waits for it") < 2:
        assert all(thread.is_alive() for thread in others)
    runs.go.set()
    for thread in (first, *others):
        thread.join(PATIENCE_S)
    assert sorted(runs.begun) == ["asked", "first", "second"]


def test_a_killed_run_keeps_nobody_waiting(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from flows.scheduling.overlap import one_at_a_time\n"
        "with one_at_a_time(Path(sys.argv[1]), 'tiny', again=True):\n"
        "    print('under way', flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"under way\n"
        os.kill(process.pid, signal.SIGKILL)
    with one_at_a_time(tmp_path, "tiny", again=True):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_may_only_be_read_is_told_and_the_run_goes_on(tmp_path, caplog):
    tmp_path.chmod(0o500)
    with one_at_a_time(tmp_path / "locks", "tiny", again=True):
        pass
    assert "runs of tiny are not kept apart" in caplog.text


def test_a_folder_that_cannot_be_is_told_and_the_run_goes_on(tmp_path, caplog):
    (tmp_path / "file").touch()
    with one_at_a_time(tmp_path / "file" / "locks", "tiny", again=True):
        pass
    assert "runs of tiny are not kept apart" in caplog.text

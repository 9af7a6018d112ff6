"""What dies is started again, with growing pauses, and given up after several quick deaths."""

import threading

import pytest

from flows.services.program import ServerError
from flows.services.supervisor import Patience, Supervisor
from tests._support.services import (
    DEAF,
    DIES,
    DIES_ONCE,
    DIES_WHEN_TOLD,
    lives,
    small_program,
    starts_of,
    wait_for,
)

QUICK = Patience(to_start=60, look=0.05, first_pause=0.01, quick=60, quick_deaths=3, grace=0.3)


def test_one_that_dies_at_its_first_start_is_told_with_its_last_lines(tmp_path):
    program = small_program(tmp_path, "worker", DIES)
    # Never up, so that its death is met while it is waited for.
    program = type(program)(program.name, program.title, program.words, lambda _: False)
    with Supervisor(tmp_path, print, patience=QUICK) as supervisor:
        with pytest.raises(ServerError, match="Worker ended with code 1") as told:
            supervisor.start([program])
        assert "no reason to live" in str(told.value)
        assert str(tmp_path / "logs" / "worker.log") in str(told.value)
    assert len(starts_of(tmp_path, "worker")) == 1


def test_one_that_never_is_up_is_told(tmp_path):
    program = small_program(tmp_path, "worker")
    program = type(program)(program.name, program.title, program.words, lambda _: False)
    patience = Patience(to_start=0.2, look=0.05, grace=0.3)
    with (
        Supervisor(tmp_path, print, patience=patience) as supervisor,
        pytest.raises(ServerError, match="Worker was not up after 0 s"),
    ):
        supervisor.start([program])


def test_one_that_dies_once_comes_back_and_the_others_are_left_alone(tmp_path):
    said, stop = [], threading.Event()
    programs = [small_program(tmp_path, "mlflow"), small_program(tmp_path, "worker", DIES_ONCE)]

    def say(sentence):
        said.append(sentence)
        if "is up again" in sentence:
            stop.set()

    with Supervisor(tmp_path, say, stop, patience=QUICK) as supervisor:
        assert supervisor.start(programs)
        (tmp_path / "die").touch()
        supervisor.keep()
    assert len(starts_of(tmp_path, "mlflow")) == 1
    assert len(starts_of(tmp_path, "worker")) == 2
    assert said[0].startswith("Worker ended with code 1")
    assert "  a first time" in said[0]
    assert said[1].startswith("Worker is up again")


def test_one_that_dies_again_and_again_is_given_up(tmp_path):
    said = []
    told = "died 3 times, each time within 60 s of its start, and is given up"
    with Supervisor(tmp_path, said.append, patience=QUICK) as supervisor:
        supervisor.start([small_program(tmp_path, "worker", DIES_WHEN_TOLD)])
        (tmp_path / "die").touch()
        with pytest.raises(ServerError, match=told):
            supervisor.keep()
    assert len(starts_of(tmp_path, "worker")) == 3
    pauses = [sentence for sentence in said if "starts again in" in sentence]
    assert len(pauses) == 2


def test_one_that_does_not_heed_the_polite_signal_is_killed(tmp_path):
    with Supervisor(tmp_path, print, patience=QUICK) as supervisor:
        supervisor.start([small_program(tmp_path, "mlflow", DEAF)])
        (pid,) = starts_of(tmp_path, "mlflow")
        assert lives(pid)
    assert not lives(pid)


def test_a_watcher_that_was_killed_is_replaced(tmp_path):
    stop = threading.Event()
    with Supervisor(tmp_path, print, stop, patience=QUICK) as supervisor:
        supervisor.start([small_program(tmp_path, "mlflow")])
        first = supervisor._watcher
        first.kill()
        keeping = threading.Thread(target=supervisor.keep)
        keeping.start()
        wait_for(lambda: supervisor._watcher is not first)
        stop.set()
        keeping.join()
        assert supervisor._watcher.poll() is None


def test_told_to_stop_while_starting(tmp_path):
    stop = threading.Event()
    stop.set()
    with Supervisor(tmp_path, print, stop, patience=QUICK) as supervisor:
        assert not supervisor.start([small_program(tmp_path, "mlflow")])


def test_one_that_is_slow_is_said(tmp_path):
    said, stop = [], threading.Event()

    def say(sentence):
        said.append(sentence)
        stop.set()

    program = small_program(tmp_path, "worker")
    program = type(program)(program.name, program.title, program.words, lambda _: False)
    with Supervisor(tmp_path, say, stop, patience=Patience(look=0.05, told=0.1, grace=0.3)) as supervisor:
        assert not supervisor.start([program])
    assert said[0].startswith("Worker is not up after 0 s; waiting up to 600 s (its log is ")

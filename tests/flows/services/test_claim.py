"""Who serves a home, and what is a leftover of one that was killed."""

import subprocess
import sys

import pytest

from flows.services.claim import HomeClaim, StartedService, claimed, read_claim
from flows.services.leftovers import end_leftovers
from flows.services.marked import MARK
from tasks.artifacts.process_identity import identity_of, this_process
from tasks.study.errors import UsageError
from tests._support.services import lives

SLEEPS = ("-c", "import time; time.sleep(600)")


@pytest.fixture
def sleeper():
    with subprocess.Popen([sys.executable, *SLEEPS]) as process:
        yield process
        process.kill()


def claim(**services):
    return HomeClaim("no-such-mark", this_process().text, "2026-01-02 03:04:05", {}, services)


def test_a_home_is_claimed_once_and_given_back(tmp_path):
    with claimed(tmp_path, {"MLflow": "http://127.0.0.1:1"}) as (own, before):
        assert before is None
        assert read_claim(tmp_path) == own
        with pytest.raises(
            UsageError, match=r"another veritile ui serves the home .*MLflow http://127.0.0.1:1"
        ):
            claimed(tmp_path, {}).__enter__()
    assert read_claim(tmp_path) is None
    with claimed(tmp_path, {}):
        pass


def test_what_was_started_is_read_back_by_the_next_one(tmp_path):
    def killed():
        with claimed(tmp_path, {}) as (own, _):
            own.note(tmp_path, "mlflow", this_process().pid, ("-m", "x"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        killed()
    with claimed(tmp_path, {}) as (_, before):
        assert before.services == {"mlflow": StartedService(this_process().text, ("-m", "x"))}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"services": {"a": 1}}'])
def test_a_file_that_cannot_be_read_says_nothing(tmp_path, text):
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "state.json").write_text(text)
    assert read_claim(tmp_path) is None


def test_a_service_without_a_mark_is_ended_by_pid_start_and_command(sleeper):
    own = StartedService(identity_of(sleeper.pid).text, SLEEPS)
    assert end_leftovers(claim(mlflow=own)) == [f"mlflow (pid {sleeper.pid})"]
    assert not lives(sleeper.pid)


def test_a_process_that_got_the_pid_later_is_let_alone(sleeper):
    identity = identity_of(sleeper.pid)
    later = type(identity)(
        identity.host, identity.boot, identity.space, identity.pid, identity.started - 9999
    )
    other = StartedService(identity.text, ("-m", "mlflow", "server"))
    assert end_leftovers(claim(mlflow=StartedService(later.text, SLEEPS), prefect=other)) == []
    assert end_leftovers(claim(mlflow=StartedService("no identity", SLEEPS))) == []
    assert lives(sleeper.pid)


def test_what_bears_the_mark_is_ended_though_nothing_else_is_known_of_it():
    from os import environ

    with subprocess.Popen([sys.executable, *SLEEPS], env={**environ, MARK: "no-such-mark"}) as process:
        assert end_leftovers(claim()) == [f"process (pid {process.pid})"]
        assert process.wait(60) == -15

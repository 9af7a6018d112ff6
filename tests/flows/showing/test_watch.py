"""A server that goes away or comes back is noticed, and said once."""

import logging
import time

import pytest

from flows.showing import watch
from flows.showing.watch import ServerWatch

LATE = "no answer in time"


@pytest.fixture
def answers(monkeypatch):
    """What the server says at each look: the reason of its silence, or nothing."""
    coming = []
    monkeypatch.setattr(watch, "silence_of", lambda url: coming.pop(0))
    return coming


def looked(answers, *said):
    watched, seen = ServerWatch("http://s/api"), []
    for each in said:
        answers.append(each)
        watched.look()
        seen.append(watched.away)
    return seen


def test_a_refusal_is_certain_and_a_late_answer_counts_the_second_time(answers):
    assert looked(answers, "", "Connection refused", "", LATE, "", LATE, LATE, "") == [
        False, True, False, False, False, False, True, False,
    ]  # fmt: skip


def test_each_change_is_said_once(answers, caplog):
    with caplog.at_level(logging.INFO, "veritile.study"):
        looked(answers, "", "Connection refused", "Connection refused", "", "")
    assert [record.getMessage() for record in caplog.records] == [
        "Prefect at http://s/api does not answer (Connection refused): the run goes on, and its parts "
        "are not shown there",
        "Prefect at http://s/api answers again: further parts are shown there",
    ]


def test_the_last_look_counts_at_once_and_is_left_out_where_the_process_ends(answers):
    answers += [LATE, LATE, LATE, ""]
    with ServerWatch("http://s/api", period=1000) as watched:
        pass
    assert watched.away
    with ServerWatch("http://s/api", period=1000) as watched:
        pass
    assert not watched.away, "it was only late"
    with pytest.raises(KeyboardInterrupt), ServerWatch("http://s/api", period=1000) as watched:
        raise KeyboardInterrupt
    assert not watched.away


def test_it_looks_by_itself(answers):
    answers += ["Connection refused"] * 1000
    with ServerWatch("http://s/api", period=0.01) as watched:
        while not watched.away:
            time.sleep(0.01)

"""Veritile's lines go to Prefect, however a run was started; what only repeats a state does not."""

import logging

import pytest
from prefect.exceptions import FailedRun
from prefect.logging.handlers import APILogHandler

from flows.log_lines import send_log_lines


@pytest.fixture
def untouched():
    own, runs = logging.getLogger("veritile"), logging.getLogger("prefect.flow_runs")
    kept = own.level, list(own.handlers), list(runs.filters)
    own.setLevel(logging.NOTSET)
    own.handlers[:], runs.filters[:] = [], []
    yield own, runs
    own.setLevel(kept[0])
    own.handlers[:], runs.filters[:] = kept[1], kept[2]


def test_lines_from_info_on_are_sent_once_each(untouched):
    own, runs = untouched
    send_log_lines()
    send_log_lines()
    assert logging.getLogger("veritile.study").isEnabledFor(logging.INFO)
    assert [type(handler) for handler in own.handlers] == [APILogHandler]
    assert len(runs.filters) == 1


def test_a_level_that_was_chosen_stays(untouched):
    own, _ = untouched
    own.setLevel(logging.DEBUG)
    send_log_lines()
    assert own.level == logging.DEBUG


@pytest.mark.parametrize(("error", "kept"), [(FailedRun("the sentence"), False), (ValueError("odd"), True)])
def test_a_state_is_not_told_again_as_a_traceback(untouched, error, kept):
    _, runs = untouched
    send_log_lines()
    info = (type(error), error, None)
    record = runs.makeRecord(runs.name, logging.ERROR, __file__, 1, "Engine execution exited", (), info)
    assert bool(runs.filter(record)) == kept

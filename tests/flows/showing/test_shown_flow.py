"""A flow ends with its result whatever becomes of the server that shows it."""

import logging
import time
from types import SimpleNamespace

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.engine import task
from flows.engine.outcome import ArtifactsFailedError, Outcome
from flows.showing import builds, shown_flow, watch
from flows.showing.address import silence_of
from flows.showing.builds import flow_run_id, shown_builds
from flows.showing.shown_flow import ShownFlow, kept_body
from flows.showing.stale import process_tag
from tests._support.ports import free_port

OUTCOME = Outcome(study="tiny", executed=(), reused=0, failed_slides={})
REQUEST = SimpleNamespace(stage="tile")


@pytest.fixture
def built(monkeypatch):
    """How each request was run: as a task of Prefect or plainly."""
    ways = Ways()
    monkeypatch.setattr(builds, "run_plainly", lambda request: ways.append("plain"))
    monkeypatch.setattr(task, "run_as_task", lambda request: ways.append("task"))
    monkeypatch.setattr(watch, "PERIOD_S", 0.05)
    for module in (watch, shown_flow):
        monkeypatch.setattr(module, "silence_of", lambda url, patience=0: silence_of(url, ways.patience))
    return ways


class Ways(list):
    """With the seconds that a server has for an answer: many on a busy machine, few once it hangs."""

    patience = 60.0


def flow_of(do):
    """Return a flow that does something within its run; the ids of its runs are kept."""
    ids = []

    def body(home):
        with kept_body() as end:
            ids.append(flow_run_id())
            with shown_builds() as submit:
                do(submit)
            end(OUTCOME)
        return OUTCOME

    return ShownFlow(body, name="tiny"), ids


def run(flow, tmp_path):
    return flow.call(tmp_path, {"home": tmp_path})


def until(ways, way, submit):
    while way not in ways:
        submit(REQUEST)
        time.sleep(0.02)


def test_with_a_server_the_parts_are_tasks_and_the_run_bears_its_process(server, built, tmp_path):
    flow, ids = flow_of(lambda submit: submit(REQUEST))
    assert run(flow, tmp_path) == OUTCOME
    assert built == ["task"]
    assert server.state(ids[0])["type"] == "COMPLETED"
    assert server.runs[ids[0]]["tags"] == [process_tag()]


def test_without_a_server_the_run_is_plain(built, tmp_path, monkeypatch):
    monkeypatch.setattr(shown_flow, "server_of", lambda home: None)
    flow, ids = flow_of(lambda submit: submit(REQUEST))
    assert run(flow, tmp_path) == OUTCOME
    assert built == ["plain"]
    assert ids == [""]


def test_a_server_that_is_dead_at_the_start_is_said_once(built, tmp_path, caplog):
    url = f"http://127.0.0.1:{free_port()}/api"
    flow, ids = flow_of(lambda submit: submit(REQUEST))
    with temporary_settings({PREFECT_API_URL: url}):
        assert run(flow, tmp_path) == OUTCOME
    assert built == ["plain"]
    assert ids == [""]
    (said,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert said == watch.goes_on(url, "Connection refused")


@pytest.mark.parametrize("end", ["die", "hang"])
def test_a_server_that_goes_away_in_the_middle_holds_nothing_up(server, proxy, built, tmp_path, end, caplog):
    def do(submit):
        submit(REQUEST)
        getattr(proxy, end)()
        built.patience = 0.2
        until(built, "plain", submit)

    flow, ids = flow_of(do)
    assert run(flow, tmp_path) == OUTCOME
    assert built[0] == "task"
    assert len([r for r in caplog.records if "the run goes on" in r.getMessage()]) == 1
    assert server.state(ids[0])["type"] == "RUNNING", "nobody could tell it"


def test_a_server_that_comes_back_shows_the_parts_that_follow_and_the_end(server, proxy, built, tmp_path):
    def do(submit):
        proxy.die()
        until(built, "plain", submit)
        proxy.revive()
        built.clear()
        until(built, "task", submit)

    flow, ids = flow_of(do)
    assert run(flow, tmp_path) == OUTCOME
    assert server.state(ids[0])["type"] == "COMPLETED"


def test_a_study_that_fails_while_the_server_is_away_says_why_it_failed(server, proxy, built, tmp_path):
    def do(submit):
        proxy.die()
        raise ArtifactsFailedError("one failed")

    flow, _ = flow_of(do)
    with pytest.raises(ArtifactsFailedError, match="one failed"):
        run(flow, tmp_path)


def test_a_study_that_fails_is_failed_in_prefect(server, built, tmp_path):
    def do(submit):
        raise ArtifactsFailedError("one failed")

    flow, ids = flow_of(do)
    with pytest.raises(ArtifactsFailedError, match="one failed"):
        run(flow, tmp_path)
    assert server.state(ids[0])["type"] == "FAILED"

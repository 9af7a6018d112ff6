"""Flow runs of dead processes are closed, and nobody else's."""

import dataclasses

import httpx
import pytest

from flows.showing.stale import PREFIX, close_stale_runs, find_stale_runs, process_tag
from tasks.artifacts.process_identity import this_process
from tests._support.ports import free_port

GONE = dataclasses.replace(this_process(), pid=2**30)


def test_a_run_of_a_dead_process_is_crashed_with_its_parts_and_others_are_left(server):
    elsewhere = dataclasses.replace(GONE, host="elsewhere")
    dead = server.add_run("RUNNING", PREFIX + GONE.text, "other")
    part = server.add_part("RUNNING", dead)
    others = [
        server.add_run("RUNNING", process_tag()),
        server.add_run("RUNNING", PREFIX + elsewhere.text),
        server.add_run("RUNNING", PREFIX + "nonsense"),
        server.add_run("RUNNING"),
    ]
    ended = server.add_run("COMPLETED", PREFIX + GONE.text)

    found = find_stale_runs(server.url)
    assert [str(run.id) for run in found] == [dead]
    assert found[0].sentence == f"Prefect run a-run was left by process {GONE.pid}, which has ended"
    assert server.state(dead)["type"] == "RUNNING", "finding closes nothing"

    assert close_stale_runs(server.url) == found
    assert server.state(dead)["type"] == "CRASHED"
    assert server.state(dead)["message"] == f"process {GONE.pid} ended without closing this run"
    assert server.parts[part]["state"]["type"] == "CRASHED"
    assert {server.state(run)["type"] for run in others} == {"RUNNING"}
    assert server.state(ended)["type"] == "COMPLETED"
    assert close_stale_runs(server.url) == ()


def test_a_server_that_is_away_is_asked_once():
    with pytest.raises(httpx.ConnectError):
        find_stale_runs(f"http://127.0.0.1:{free_port()}/api")

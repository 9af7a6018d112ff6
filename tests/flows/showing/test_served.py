"""The servers of `veritile ui` are found while it lives, on this host alone."""

import dataclasses
from pathlib import Path

import pytest

from flows.services.claim import HomeClaim
from flows.showing.served import served_url
from tasks.artifacts.process_identity import this_process


def state(home: Path) -> Path:
    return home / "services" / "state.json"


def told(home, process, addresses=None):
    state(home).parent.mkdir(parents=True, exist_ok=True)
    known = {"Prefect": "http://127.0.0.1:4200"} if addresses is None else addresses
    HomeClaim("mark", process.text, "2026-01-02 03:04:05", known).write(home)
    return home


def test_a_living_ui_is_found(tmp_path):
    assert served_url(told(tmp_path, this_process())) == "http://127.0.0.1:4200/api"


@pytest.mark.parametrize("change", [{"pid": 2**30}, {"host": "elsewhere"}])
def test_one_that_ended_or_runs_elsewhere_is_not(tmp_path, change):
    assert served_url(told(tmp_path, dataclasses.replace(this_process(), **change))) is None


def test_a_home_without_one_or_with_half_a_file_has_none(tmp_path):
    assert served_url(tmp_path) is None
    assert served_url(told(tmp_path, this_process(), {})) is None
    state(tmp_path).write_text('{"process"')
    assert served_url(tmp_path) is None

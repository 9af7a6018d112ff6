"""A test schedule really fires, and one that does not is told."""

import os

import pytest

from flows.doctor import firing
from flows.doctor.firing import firing_finding


@pytest.mark.slow
def test_a_test_schedule_fires_on_a_server_of_its_own():
    before = os.environ.get("PREFECT_HOME")
    found = firing_finding(600)
    assert found.level == "ok", found.told
    assert "a test schedule fired and ran" in found.told
    assert os.environ.get("PREFECT_HOME") == before


def test_one_that_never_fires_is_a_fault(tmp_path, monkeypatch):
    from tests._support.services import small_program

    monkeypatch.setattr(firing, "prefect_program", lambda port: small_program(tmp_path, "prefect"))
    monkeypatch.setattr(firing, "worker_program", lambda port: small_program(tmp_path, "worker"))
    monkeypatch.setattr(firing, "_schedule", lambda api, fired: None)
    found = firing_finding(0.5)
    assert found.level == "fault"
    assert "did not fire within 0 s" in found.told
    assert "The worker said last: worker speaks" in found.told


def test_a_server_that_does_not_start_is_a_fault(tmp_path, monkeypatch):
    from tests._support.services import DIES, small_program

    dying = small_program(tmp_path, "prefect", DIES)
    dying = type(dying)(dying.name, dying.title, dying.words, lambda _: False)
    monkeypatch.setattr(firing, "prefect_program", lambda port: dying)
    found = firing_finding()
    assert found.level == "fault"
    assert "a temporary Prefect does not work: Prefect ended with code 1" in found.told

"""Each check of the machine says what is wrong, and is content where nothing is."""

import os
import time

import pytest

from flows.doctor import machine
from flows.doctor.machine import clock, free_space, machine_findings, open_files, slides_open, writable


def test_a_home_that_can_be_written_is_made_and_left_empty(tmp_path):
    assert writable(tmp_path / "home").level == "ok"
    assert list((tmp_path / "home").iterdir()) == []


def test_a_home_that_cannot_be_written_is_a_fault(tmp_path):
    (tmp_path / "file").touch()
    found = writable(tmp_path / "file" / "home")
    assert found.level == "fault"
    assert "cannot be written: Not a directory" in found.told


@pytest.mark.parametrize(("free", "level"), [(10, "warning"), (10**12, "ok")])
def test_little_room_is_said(tmp_path, monkeypatch, free, level):
    monkeypatch.setattr(machine, "free_bytes", lambda home: free)
    assert free_space(tmp_path).level == level


@pytest.mark.parametrize(("most", "level"), [(None, "ok"), (1024, "warning"), (20_000, "ok")])
def test_few_open_files_are_said(monkeypatch, most, level):
    monkeypatch.setattr(machine, "raise_open_files", lambda: most)
    assert open_files().level == level


def test_a_clock_that_went_back_is_said(tmp_path):
    (tmp_path / "logs").mkdir()
    log = tmp_path / "logs" / "worker.log"
    log.touch()
    assert clock(tmp_path).level != "fault"
    os.utime(log, (time.time() + 4000, time.time() + 4000))
    found = clock(tmp_path)
    assert found.level == "warning"
    assert "the clock went back" in found.told


def test_a_clock_of_another_age_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(machine.time, "time", lambda: 0.0)
    assert clock(tmp_path).level == "fault"


@pytest.mark.parametrize(("kept", "level"), [(True, "ok"), (None, "ok"), (False, "warning")])
def test_a_clock_that_nobody_keeps_is_said(tmp_path, monkeypatch, kept, level):
    monkeypatch.setattr(machine, "_kept_by_time_server", lambda: kept)
    assert clock(tmp_path).level == level


def test_a_slide_is_written_and_opened():
    assert slides_open().level == "ok"


def test_a_slide_that_does_not_open_is_a_fault(monkeypatch):
    from tasks.phantoms import files

    monkeypatch.setattr(files, "write_pyramid", lambda path, *_: path.write_text("no slide"))
    found = slides_open()
    assert found.level == "fault"
    assert "install openslide-bin again" in found.told


def test_every_check_is_made(tmp_path):
    assert [each.check for each in machine_findings(tmp_path)] == [
        "home", "disk", "open files", "clock", "slides",
    ]  # fmt: skip

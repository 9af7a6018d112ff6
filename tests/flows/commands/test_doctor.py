"""One line per check, and an exit code."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from flows.commands import doctor as module
from flows.commands.doctor import doctor
from flows.doctor.finding import Finding


def said(monkeypatch, *findings):
    monkeypatch.setattr(module, "_findings", lambda target, home, schedule: iter(findings))
    out = io.StringIO()
    code = doctor(None, Path("home"), Console(file=out, width=200), schedule=False)
    return code, out.getvalue().splitlines()


@pytest.mark.parametrize(("level", "code"), [("ok", 0), ("warning", 0), ("fault", 1)])
def test_a_fault_alone_is_exit_code_1(monkeypatch, level, code):
    got, lines = said(monkeypatch, Finding("disk", level, "80 GB [free]"), Finding("home", "ok", "there"))
    assert got == code
    assert lines[0].split(maxsplit=2) == [level, "disk", "80 GB [free]"]
    assert lines[-1].startswith("2 checks: ")


def test_each_check_is_in_the_report(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "firing_finding", lambda: Finding("schedule", "ok", "fired"))
    checks = [each.check for each in module._findings(None, tmp_path, schedule=True)]
    for check in ("python", "versions", "home", "clock", "slides", "devices", "prefect", "mlflow"):
        assert check in checks
    assert checks[-2:] == ["stale runs", "schedule"]

"""veritile doctor."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from flows.commands.target import Target
from flows.doctor.finding import Finding
from flows.doctor.firing import firing_finding
from flows.doctor.machine import machine_findings
from flows.doctor.of_study import device_finding, study_findings, tracking_uri
from flows.doctor.reachable import server_findings
from flows.doctor.stale import stale_findings
from flows.doctor.versions import version_findings

_STYLE = {"ok": "green", "warning": "yellow", "fault": "bold red"}


def doctor(target: Target | None, home: Path, console: Console, *, schedule: bool) -> int:
    """Print one line per check, as soon as it is made, and return the exit code: 1 where there is a fault."""
    levels = []
    for finding in _findings(target, home, schedule=schedule):
        levels.append(finding.level)
        mark = f"[{_STYLE[finding.level]}]{finding.level:<8}[/]"
        console.print(f"{mark}{finding.check:<12}{escape(finding.told)}", soft_wrap=True, highlight=False)
    faults, warnings = levels.count("fault"), levels.count("warning")
    console.print(f"{len(levels)} checks: {faults} faults, {warnings} warnings", highlight=False)
    return 1 if faults else 0


def _findings(target: Target | None, home: Path, *, schedule: bool) -> Iterator[Finding]:
    yield from version_findings()
    yield from machine_findings(home)
    if target is None:
        yield device_finding(None)
    else:
        yield from study_findings(target)
    yield from server_findings(home, tracking_uri(None if target is None else target.config))
    yield from stale_findings(home)
    if schedule:
        yield firing_finding()

"""Processes that are certainly dead, or not of this host, as MLflow's tags name them."""

import os
from dataclasses import replace
from pathlib import Path

from tasks.artifacts.process_identity import this_process

NO_PID = 1 << 30
"""More than any kernel gives."""


def dead_process() -> str:
    """Return a process of this host that has ended."""
    return replace(this_process(), pid=NO_PID).text


def foreign_process() -> str:
    """Return a process of another host, which nobody here can know."""
    return replace(this_process(), host="elsewhere", pid=NO_PID).text


def other_process() -> str:
    """Return a living process of this host that is not this one: its parent."""
    parent = os.getppid()
    started = int(Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()[19])
    return replace(this_process(), pid=parent, started=started).text

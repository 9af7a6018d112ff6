"""Ports: whether one is free, and who has it where the system tells."""

import errno
import socket
from collections.abc import Iterable

import psutil  # type: ignore[import-untyped]  # has no stubs

from flows.services.program import HOST, Program
from tasks.study.errors import UsageError

_MOST = 65535
_COMMAND = 120
"""Characters of a command that are shown."""


def refuse_taken(programs: Iterable[Program]) -> None:
    """Refuse ports that cannot be listened at, before anything starts.

    Raises:
        UsageError: a port is no port, is given twice, or is taken; it says by whom.
    """
    seen: dict[int, str] = {}
    for program in programs:
        if program.port is None:
            continue
        option = f"--{program.name}-port"
        if program.port in seen:
            raise UsageError(f"{option} and {seen[program.port]} are both {program.port}; give two ports")
        seen[program.port] = option
        refuse_port(program.port, program.title, option)


def refuse_port(port: int, title: str, option: str) -> None:
    """Refuse a port that ``title`` cannot listen at; ``option`` is what gives another.

    Raises:
        UsageError: it is no port, or is taken; it says by whom.
    """
    if not 1 <= port <= _MOST:
        raise UsageError(f"{option} {port} is no port; a port is a number from 1 to {_MOST}")
    with socket.socket() as probe:
        taken = probe.connect_ex((HOST, port)) == 0
    if not taken:
        with socket.socket() as probe:
            # As servers do: a connection that was closed a moment ago does not matter.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise UsageError(
                        f"port {port} for {title} cannot be used: {error.strerror}; give another "
                        f"with {option}"
                    ) from error
                taken = True
    if taken:
        raise UsageError(
            f"port {port} for {title} is taken on {HOST} by {holder_of(port)}; give another with {option}"
        )


def holder_of(port: int) -> str:
    """Return who listens at a port, as far as this user may know."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # as on macOS
        return "a process that this user may not ask about"
    pids = {
        each.pid
        for each in connections
        if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port
    }
    told = [_described(pid) for pid in sorted(pid for pid in pids if pid is not None)]
    if told:
        return " and ".join(told)
    return "a process of another user" if pids else "a process that the system does not name"


def _described(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        command = " ".join(process.cmdline()) or process.name()
        user = process.username()
    except psutil.Error:
        return f"pid {pid}"
    short = command if len(command) <= _COMMAND else f"{command[:_COMMAND]}..."
    return f"pid {pid} of {user} ({short})"

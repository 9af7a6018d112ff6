"""The process that writes a run, so that runs of dead processes can be recognised."""

import platform

import psutil  # type: ignore[import-untyped]  # has no stubs

_SAME_START_S = 2.0


def this_process() -> str:
    """Return ``host:pid:start`` of this process. The start time guards against reused pids."""
    own = psutil.Process()
    return f"{platform.node()}:{own.pid}:{own.create_time():.0f}"


def is_dead(process: str) -> bool:
    """Return True where ``process`` ran on this host and has ended. Other hosts count as alive."""
    host, _, rest = process.rpartition(":")[0].rpartition(":")
    start = process.rpartition(":")[2]
    if host != platform.node() or not (rest.isdigit() and start.isdigit()):
        return False
    try:
        running = psutil.Process(int(rest))
        return bool(abs(running.create_time() - int(start)) > _SAME_START_S)
    except psutil.NoSuchProcess:
        return True

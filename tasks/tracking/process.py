"""Which process writes a run, so that runs of dead ones can be told from runs that go on."""

import platform

import psutil  # type: ignore[import-untyped]  # has no stubs

_SAME_START_S = 2.0


def this_process() -> str:
    """Return ``host:pid:start`` of this process; the start guards against a pid that is used again."""
    own = psutil.Process()
    return f"{platform.node()}:{own.pid}:{own.create_time():.0f}"


def is_dead(process: str) -> bool:
    """Say whether ``process`` ran on this host and is gone; what ran elsewhere is never called dead."""
    host, _, rest = process.rpartition(":")[0].rpartition(":")
    start = process.rpartition(":")[2]
    if host != platform.node() or not (rest.isdigit() and start.isdigit()):
        return False
    try:
        found = psutil.Process(int(rest))
        return bool(abs(found.create_time() - int(start)) > _SAME_START_S)
    except psutil.NoSuchProcess:
        return True

"""What a ``veritile ui`` that was killed left running: found without doubt, ended and said."""

import psutil  # type: ignore[import-untyped]  # has no stubs

from flows.services.claim import HomeClaim, StartedService
from flows.services.marked import end_marked
from tasks.artifacts.process_identity import ProcessIdentity

GRACE_S = 5.0


def end_leftovers(claim: HomeClaim) -> list[str]:
    """End all that bears the mark of ``claim`` or is one of its services, and return their names and pids.

    A service is known by its pid, its start and its command, so that a process that got its pid later is let
    alone. What it started in turn is known by the mark.
    """
    named = [
        f"{name} (pid {process.pid})"
        for name, service in claim.services.items()
        for process in _living(service)
    ]
    ended = end_marked(claim.mark, GRACE_S)
    for service in claim.services.values():
        for process in _living(service):
            # Where this system does not tell the environment of a process.
            family = [process, *process.children(recursive=True)]
            _end(family)
    return list(dict.fromkeys([*named, *ended]))


def _living(service: StartedService) -> list[psutil.Process]:
    identity = ProcessIdentity.parse(service.process)
    if identity is None or identity.is_dead():
        return []
    try:
        process = psutil.Process(identity.pid)
        same = tuple(process.cmdline()[-len(service.command) :]) == service.command
    except psutil.Error:
        return []
    return [process] if same else []


def _end(family: list[psutil.Process]) -> None:
    for process in family:
        try:
            process.terminate()
        except psutil.Error:
            continue
    _, late = psutil.wait_procs(family, timeout=GRACE_S)
    for process in late:
        try:
            process.kill()
        except psutil.Error:
            continue

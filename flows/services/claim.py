"""One ``veritile ui`` per home: a lock that the kernel gives back, and a file that says who holds it."""

import errno
import fcntl
import json
import secrets
import time
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from tasks.artifacts.process_identity import identity_of, this_process
from tasks.artifacts.record import write_atomically
from tasks.study.errors import UsageError

_FOLDER = "services"


@dataclass(frozen=True)
class StartedService:
    """A service as it was started: its process, and its command, so that another one is not taken for it."""

    process: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class HomeClaim:
    """What is known of the ``veritile ui`` of a home.

    Args:
        mark: what everything that it started bears in its environment.
        process: the identity of the process, as text.
        since: when it began, in local time.
        addresses: by title of the service.
        services: by name.
    """

    mark: str
    process: str
    since: str
    addresses: Mapping[str, str]
    services: MutableMapping[str, StartedService] = field(default_factory=dict)

    def note(self, home: Path, name: str, pid: int, words: tuple[str, ...]) -> None:
        """Keep what was just started below ``home``, unless it has ended already."""
        identity = identity_of(pid)
        if identity is not None:
            self.services[name] = StartedService(identity.text, words)
            self.write(home)

    def write(self, home: Path) -> None:
        """Replace what the home says."""
        write_atomically(_state(home), json.dumps(asdict(self), indent=1) + "\n")


@contextmanager
def claimed(home: Path, addresses: Mapping[str, str]) -> Iterator[tuple[HomeClaim, HomeClaim | None]]:
    """Hold the home while the block runs; yield the own claim, and that of one that was killed.

    Raises:
        UsageError: another one serves this home, or the home cannot be written.
    """
    folder = home / _FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = (folder / "lock").open("a")
    except OSError as error:
        raise UsageError(f"the home {home} cannot be written: {error.strerror}") from error
    with stream:
        _lock(stream, home)
        before = read_claim(home)
        own = HomeClaim(
            secrets.token_hex(8), this_process().text, time.strftime("%Y-%m-%d %H:%M:%S"), dict(addresses)
        )
        own.write(home)
        yield own, before
        # Only at a proper end: what a kill leaves is found by the next one.
        _state(home).unlink(missing_ok=True)


def read_claim(home: Path) -> HomeClaim | None:
    """Return what the home says of its ``veritile ui``; None where it says nothing that can be read."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads(_state(home).read_text(encoding="utf-8"))
        services = {
            name: StartedService(each["process"], tuple(each["command"]))
            for name, each in told.pop("services").items()
        }
        return HomeClaim(**{**told, "addresses": dict(told["addresses"])}, services=services)
    return None


def _lock(stream: IO[str], home: Path) -> None:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise UsageError(f"the home {home} cannot be locked: {error.strerror}") from error
        raise UsageError(_served_already(home, read_claim(home))) from None


def _served_already(home: Path, claim: HomeClaim | None) -> str:
    if claim is None:
        return f"another veritile ui serves the home {home}"
    listed = ", ".join(f"{title} {address}" for title, address in claim.addresses.items())
    host, _, rest = claim.process.partition("~")
    pid = rest.split("~")[-2] if rest.count("~") >= 2 else "unknown"
    return (
        f"another veritile ui serves the home {home} since {claim.since}: {listed} (pid {pid} on {host}); "
        "use that one, end it first, or give another --home"
    )


def _state(home: Path) -> Path:
    return home / _FOLDER / "state.json"

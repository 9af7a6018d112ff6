"""Leases: who of several machines makes an artifact, told by a small file or object that is kept fresh.

A lease saves work and nothing rests on it: where two make one artifact all the same, publishing lets them
agree on one. Clocks of machines differ, so ages are told by the clock of the folder or store alone.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from tasks.artifacts.backends.bucket import Bucket
from tasks.artifacts.backends.locks import Locks
from tasks.artifacts.process_identity import ProcessIdentity, this_process
from tasks.artifacts.spec import ArtifactSpec

_log = logging.getLogger("veritile.store")

BEAT_S = 20.0
"""Seconds between two signs of life of who has a lease."""
STALE_S = 120.0
"""Seconds without a sign of life after which a lease is taken over."""
_LOOK_S = 2.0


class Posted(NamedTuple):
    """A lease as it is read.

    Attributes:
        text: who has it.
        age: seconds since its last sign of life, by the clock of where it lies.
    """

    text: str
    age: float


class Board(Protocol):
    """Where leases are posted."""

    def post(self, name: str, text: str) -> bool:
        """Post a lease where there is none; say whether it was posted."""

    def beat(self, name: str, text: str) -> None:
        """Give a sign of life."""

    def read(self, name: str) -> Posted | None:
        """Return a lease, or None."""

    def remove(self, name: str, text: str) -> None:
        """Take a lease away, if it is still that of ``text``."""


class FolderBoard:
    """Leases as files of a folder that several machines share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def post(self, name: str, text: str) -> bool:
        """Post a lease where there is none."""
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            with (self._folder / name).open("x", encoding="utf-8") as stream:
                stream.write(text)
        except FileExistsError:
            return False
        return True

    def beat(self, name: str, text: str) -> None:
        """Give a sign of life: the server of the folder sets the time."""
        os.utime(self._folder / name)

    def read(self, name: str) -> Posted | None:
        """Return a lease, or None; its age is told by a file that is touched now."""
        clock = self._folder / f".clock.{socket.gethostname()}.{os.getpid()}.{threading.get_ident()}"
        try:
            text = (self._folder / name).read_text(encoding="utf-8")
            then = (self._folder / name).stat().st_mtime
            clock.touch()
            now = clock.stat().st_mtime
        except FileNotFoundError:
            return None
        finally:
            clock.unlink(missing_ok=True)
        return Posted(text, now - then)

    def remove(self, name: str, text: str) -> None:
        """Take a lease away, if it is still that of ``text``."""
        with suppress(FileNotFoundError):
            if (self._folder / name).read_text(encoding="utf-8") == text:
                (self._folder / name).unlink()


class BucketBoard:
    """Leases as objects, posted by a conditional put."""

    _FOLDER = ".leases"

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def post(self, name: str, text: str) -> bool:
        """Post a lease where there is none."""
        return self._bucket.create(f"{self._FOLDER}/{name}", text.encode())

    def beat(self, name: str, text: str) -> None:
        """Give a sign of life: the object is put again."""
        self._bucket.overwrite(f"{self._FOLDER}/{name}", text.encode())

    def read(self, name: str) -> Posted | None:
        """Return a lease, or None; its age is told by an object that is put now."""
        own = f"{self._FOLDER}/{name}"
        stored, text = self._bucket.info(own), self._bucket.read(own)
        if stored is None or text is None:
            return None
        clock = f"{self._FOLDER}/.clock.{os.urandom(8).hex()}"
        self._bucket.overwrite(clock, b"")
        now = self._bucket.info(clock)
        self._bucket.delete([clock])
        return Posted(text.decode(errors="replace"), 0.0 if now is None else now.time - stored.time)

    def remove(self, name: str, text: str) -> None:
        """Take a lease away, if it is still that of ``text``."""
        own = f"{self._FOLDER}/{name}"
        if self._bucket.read(own) == text.encode():
            self._bucket.delete([own])


class Leases:
    """Locks among machines; within this machine and home, those of the kernel come first.

    Args:
        board: where leases are posted.
        own: locks among the processes of this home.
        stale_s: seconds without a sign of life after which a lease is taken over.
    """

    def __init__(self, board: Board, own: Locks, stale_s: float = STALE_S) -> None:
        self._board, self._own, self._stale_s = board, own, stale_s

    @contextmanager
    def held(self, spec: ArtifactSpec) -> Iterator[None]:
        """Wait until nobody else makes ``spec``, and keep others waiting."""
        name = f"{spec.kind}.{spec.fingerprint}"
        with self._own.held(spec):
            text = self._posted(name, spec)
            beats = _Heartbeat(lambda: self._board.beat(name, text))
            try:
                yield
            finally:
                beats.stop()
                self._board.remove(name, text)

    def _posted(self, name: str, spec: ArtifactSpec) -> str:
        """Post a lease of our own as soon as there is none that lives."""
        text, told = _own_text(), False
        while not self._board.post(name, text):
            there = self._board.read(name)
            if there is not None and (there.age > self._stale_s or _is_dead(there.text)):
                _log.warning(
                    "the lease of %s on %s has expired: it is taken over", _who(there.text), spec.label
                )
                self._board.remove(name, there.text)
                continue
            if there is not None and not told:
                _log.info("%s is made by %s; waiting for it", spec.label, _who(there.text))
                told = True
            time.sleep(_LOOK_S)
        return text


class _Heartbeat:
    """Calls ``beat`` now and then, in a thread, until it is stopped."""

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat, self._stopped = beat, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait a while for a beat that is under way."""
        self._stopped.set()
        self._thread.join(BEAT_S)

    def _run(self) -> None:
        while not self._stopped.wait(BEAT_S):
            try:
                self._beat()
            except OSError as error:
                # Taken over, or out of reach for a while: only work that others do twice is lost.
                _log.debug("no sign of life could be given: %s", error)


def _own_text() -> str:
    return f"{this_process().text} {os.urandom(8).hex()}"


def _holder(text: str) -> ProcessIdentity | None:
    """Return who posted a lease; None where a kill cut it short, and its age decides."""
    return ProcessIdentity.parse(text.partition(" ")[0])


def _who(text: str) -> str:
    holder = _holder(text)
    return "another machine" if holder is None else f"process {holder.pid} of {holder.host}"


def _is_dead(text: str) -> bool:
    """Say whether who posted a lease was a process of this machine that is there no longer."""
    holder = _holder(text)
    return holder is not None and holder.is_dead()

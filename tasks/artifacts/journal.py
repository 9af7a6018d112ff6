"""A journal: results that are kept one by one as they come, and survive a kill."""

import errno
import json
import logging
import os
import threading
from pathlib import Path
from typing import Any

from tasks.artifacts.record import write_atomically

_log = logging.getLogger("veritile.study")
_STALE_LINES = 1000
"""A journal with more lines than twice its results, and this many, is written anew."""


class Journal:
    """Results by key in a file of JSON lines; a later line of the same key counts.

    A result is one line, added in one write at the end of the file. A kill at any moment loses at most the
    line that was being written, and several processes may add to one journal. It holds only what can be had
    again: a file that cannot be read or written costs time and is no error.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._results: dict[str, Any] = {}
        if path.is_file():
            self._read()

    def get(self, key: str) -> Any:
        """Return the result of ``key``, as JSON has it, or None."""
        return self._results.get(key)

    def __len__(self) -> int:
        return len(self._results)

    def put(self, key: str, result: Any) -> None:
        """Keep the result of ``key``."""
        line = json.dumps([key, result])
        with self._lock:
            self._results[key] = result
            try:
                append_line(self._path, line)
            except OSError as error:
                # A home that may only be read: the next command asks again.
                _log.debug("%s is not kept: %s", self._path.name, error)

    def _read(self) -> None:
        lines = self._path.read_text(encoding="utf-8", errors="replace").split("\n")
        damaged = 0
        for line in lines[:-1]:
            try:
                key, result = json.loads(line)
                self._results[str(key)] = result
            except (ValueError, TypeError):
                damaged += 1
        # A kill in the middle of a write leaves the last line without its end.
        cut = bool(lines[-1])
        if damaged:
            _log.warning(
                "%s is damaged in %d lines; what they held is looked up again", self._path.name, damaged
            )
        if cut or damaged or len(lines) > 2 * len(self._results) + _STALE_LINES:
            self._rewrite()

    def _rewrite(self) -> None:
        text = "".join(json.dumps([key, result]) + "\n" for key, result in self._results.items())
        try:
            write_atomically(self._path, text)
        except OSError as error:
            _log.debug("%s is not written anew: %s", self._path.name, error)


def append_line(path: Path, line: str) -> None:
    """Add ``line`` at the end of a file in one write, as a line of its own.

    Several processes may add to one file. What a kill or a full disk left of a line before stays a line, and
    takes nothing of this one with it.

    Raises:
        OSError: it cannot be written, or only a part of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    target = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.fstat(target).st_size
        cut = size > 0 and os.pread(target, 1, size - 1) != b"\n"
        data = (cut * "\n" + line + "\n").encode()
        if os.write(target, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(target)

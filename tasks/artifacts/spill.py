"""Bytes that are written once and read back later: in memory while they are few, else in a nameless file."""

import tempfile
import weakref
from dataclasses import dataclass

MOST_IN_MEMORY = 1 << 22
"""From so many bytes on, everything goes to a file in the temporary folder of the system (TMPDIR)."""


@dataclass(frozen=True)
class Spilled:
    """Where some bytes lie."""

    offset: int
    size: int


class Spill:
    """An append-only store of bytes. Its file has no name, so a killed process leaves nothing behind.

    One spill serves all parts of a plan, so that a plan needs one file descriptor whatever it scores.
    """

    def __init__(self, most_in_memory: int = MOST_IN_MEMORY) -> None:
        # Closed by hand: it lives as long as the results that read from it.
        self._file = tempfile.SpooledTemporaryFile(max_size=most_in_memory)  # noqa: SIM115
        self._end = 0
        weakref.finalize(self, self._file.close)

    def add(self, data: bytes) -> Spilled:
        """Append ``data`` and return where it lies."""
        spilled = Spilled(self._end, len(data))
        self._file.seek(spilled.offset)
        self._file.write(data)
        self._end += spilled.size
        return spilled

    def read(self, spilled: Spilled) -> bytes:
        """Return the bytes that lie where ``spilled`` says."""
        self._file.seek(spilled.offset)
        return self._file.read(spilled.size)

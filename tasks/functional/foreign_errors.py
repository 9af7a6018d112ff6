"""Errors of code that is not ours, said in one sentence."""

from types import TracebackType

import torch


class SaidAs:
    """Turns whatever is raised inside the block into ``kind`` with one sentence; the original is chained.

    The author of a network may raise any type of error, so none is listed. Nothing goes on after one: the
    block ends with ``kind``. Errors of the types ``ours`` pass, as they are sentences already, and so do
    exhausted memory and interrupts, which say nothing about the network.

    Args:
        kind: the error to raise instead.
        what: the beginning of the sentence: what failed, on what.
        ours: errors that pass.
    """

    def __init__(self, kind: type[Exception], what: str, ours: tuple[type[Exception], ...] = ()) -> None:
        self._kind = kind
        self._what = what
        self._passed = (kind, MemoryError, torch.OutOfMemoryError, *ours)

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, self._passed):
            raise self._kind(f"{self._what}: {told(error)}") from error


def told(error: BaseException) -> str:
    """Return the type of an error and the first line of its message, if it has one."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__

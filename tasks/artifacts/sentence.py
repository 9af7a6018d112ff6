"""Errors that are told as sentences. What they quote may be any file, so it is kept short."""

from tasks.artifacts.redacted import redacted

LONGEST = 1000
"""Letters of a line; a cell of a broken file may have millions."""


class SentenceError(Exception):
    """An error whose message is one sentence a problem, for the person who fixes it.

    It holds no password of an address.
    """

    def __str__(self) -> str:
        return shortened(redacted(super().__str__()))


def shortened(text: str) -> str:
    """Return ``text`` with the middle of every line left out that is longer than a sentence.

    Example:
        >>> shortened("a" * 5000).count("a")
        800
    """
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    if len(line) <= LONGEST:
        return line
    head, tail = line[:600], line[-200:]
    return f"{head} [{len(line) - 800:,} letters] {tail}"

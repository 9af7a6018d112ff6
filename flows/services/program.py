"""One program that is kept running: how it is started, and how one knows that it is up."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flows.services.marked import NAME

HOST = "127.0.0.1"
TAIL_LINES = 5
_LARGE_LOG = 20_000_000
"""Bytes after which a log is put aside at the next start; the one put aside before goes."""
_LAST_BYTES = 8192


class ServerError(RuntimeError):
    """A server that did not start, or ended by itself; the message names its log."""


@dataclass(frozen=True)
class Program:
    """What is kept running.

    Args:
        name: of its log and its options.
        title: for people.
        words: what follows the name of the interpreter.
        is_up: asked again and again, with the time in seconds since 1970 at which it was started.
        settings: its environment beside that of this process; an empty value takes a variable away.
        port: where it listens; None for a program that only asks others.
    """

    name: str
    title: str
    words: tuple[str, ...]
    is_up: Callable[[float], bool]
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None

    def log(self, home: Path) -> Path:
        """The file that holds what it says."""
        return home / "logs" / f"{self.name}.log"

    def start(self, home: Path, marks: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        """Start it in a session of its own, so that Ctrl-C reaches only the one that ends it properly.

        Args:
            home: the folder of all state.
            marks: further variables of its environment, by which it is found again.
        """
        path = self.log(home)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and path.stat().st_size > _LARGE_LOG:
            path.replace(path.with_suffix(".old.log"))
        environment = {**os.environ, **self.settings, **marks, NAME: self.name}
        with path.open("ab") as log:
            return subprocess.Popen(  # noqa: S603  # our own interpreter and fixed words
                [sys.executable, *self.words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={key: value for key, value in environment.items() if value},
                start_new_session=True,
            )

    def last_lines(self, home: Path) -> list[str]:
        """Return the end of its log."""
        try:
            with self.log(home).open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - _LAST_BYTES))
                text = log.read().decode("utf-8", errors="replace")
        except OSError:
            return []
        return [line for line in text.splitlines() if line.strip()][-TAIL_LINES:]


def answers(url: str) -> bool:
    """Say whether an address of this machine answers with 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # our own loopback address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False

"""A log file per run below the home, wherever the run was started: what the terminal shows, with times."""

import logging
import os
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from flows.engine.events import BuildEnded, BuildStarted, Event, listening
from tasks.artifacts.process_identity import this_host
from tasks.artifacts.record import library_versions

KEPT = 50
"""Logs of so many runs are kept, the newest of a home."""
_FIRST_OF_SIGNALS = 128
_log = logging.getLogger("veritile.study")


class RunLog:
    """The file of one run: Veritile's own lines, and when each build began and ended.

    A disk that takes no more ends the file, and never the run.

    Args:
        home: the folder of all state.
        study: name of the study.
        command: what was typed; empty where a schedule started it.
    """

    def __init__(self, home: Path, study: str, command: str = "") -> None:
        self._folder, self._study, self._command = home / "logs", study, command
        self._own = logging.getLogger("veritile")
        self._stack = ExitStack()
        self._handler: _FileOfRun | None = None
        self._builds: dict[str, float] = {}

    def __enter__(self) -> Self:
        """Open the file and begin to listen; older files beyond ``KEPT`` go."""
        try:
            self._handler = _FileOfRun(self._new_path())
        except OSError as error:
            _log.warning(
                "this run has no log file, as %s cannot be written: %s", self._folder, error.strerror
            )
            return self
        self._handler.setFormatter(_TimedLines("%(asctime)s %(levelname)-7s %(message)s"))
        self._own.addHandler(self._handler)
        before = self._own.level
        if self._own.getEffectiveLevel() > logging.INFO:  # in a worker's process nobody has asked for them
            self._own.setLevel(logging.INFO)
        self._stack.callback(self._own.setLevel, before)
        self._stack.enter_context(listening(self._hear))
        versions = ", ".join(f"{name} {number}" for name, number in library_versions().items())
        self._note(f"study {self._study} on {this_host()}, pid {os.getpid()}; {versions}")
        if self._command:
            self._note(f"command: {self._command}")
        self._prune()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say how the run ended, and close the file."""
        if self._handler is None:
            return
        self._note(_ending(error), logging.INFO if error is None else logging.ERROR)
        self._stack.close()
        self._own.removeHandler(self._handler)
        self._handler.close()

    @property
    def path(self) -> Path | None:
        """The file; None where it cannot be written."""
        return None if self._handler is None else Path(self._handler.baseFilename)

    def _new_path(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        stem = f"run_{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}_{self._study}"
        for name in (stem, f"{stem}_{os.getpid()}"):
            path = self._folder / f"{name}.log"
            try:
                # The lines name slides, so others on this machine may not read them.
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            except FileExistsError:
                continue
            return path
        return path  # two runs of one process in one second share it

    def _hear(self, event: Event) -> None:
        match event:
            case BuildStarted(_, label, _):
                self._builds[label] = time.monotonic()
                self._note(f"{label} begins")
            case BuildEnded(_, label, _):
                began = self._builds.pop(label, time.monotonic())
                self._note(f"{label} ends after {time.monotonic() - began:.1f} s")
            case _:
                pass

    def _note(self, sentence: str, level: int = logging.INFO) -> None:
        """Write a line into the file alone."""
        assert self._handler is not None
        self._handler.handle(logging.LogRecord("veritile.run", level, "", 0, sentence, None, None))

    def _prune(self) -> None:
        try:
            # The name begins with the time.
            for path in sorted(self._folder.glob("run_*.log"))[:-KEPT]:
                path.unlink(missing_ok=True)
        except OSError as error:
            _log.debug("old logs stay: %s", error)


class _FileOfRun(logging.FileHandler):
    """Writes lines until the disk refuses one."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8")
        self._refused = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self._refused:
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the name that logging calls
        self._refused = True
        _log.warning("the log %s takes no more lines and ends here; the run goes on", self.baseFilename)

    def close(self) -> None:
        # What a full disk refused is still in the buffer, and is refused again.
        with suppress(OSError):
            super().close()


class _TimedLines(logging.Formatter):
    """Lines with local time and its distance from UTC, which a change of the clock in autumn needs."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(record.created))


def _ending(error: BaseException | None) -> str:
    if error is None:
        return "the run is done"
    if isinstance(error, SystemExit) and isinstance(error.code, int) and error.code > _FIRST_OF_SIGNALS:
        return f"the run was ended by signal {error.code - _FIRST_OF_SIGNALS}"
    if isinstance(error, KeyboardInterrupt):
        return "the run was interrupted"
    return f"the run ended with {type(error).__name__}: {error}"

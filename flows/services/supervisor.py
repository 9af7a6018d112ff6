"""Keep programs running: start them, start again what dies, give up on what dies again and again."""

import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self

from flows.services.marked import MARK, end_marked
from flows.services.program import Program, ServerError
from flows.services.watcher import dismiss, start_watcher


@dataclass(frozen=True)
class Patience:
    """How long is waited for what, in seconds."""

    to_start: float = 600.0
    """Until a program must be up. On a machine whose cores are taken, a start of seconds lasts minutes."""
    told: float = 60.0
    """Between two sentences that a program is not up yet."""
    look: float = 0.5
    """Between two looks at what runs."""
    first_pause: float = 1.0
    """Before the first new start; each further pause is twice as long."""
    longest_pause: float = 60.0
    quick: float = 60.0
    """A program that lives longer is no quick death."""
    quick_deaths: int = 5
    """So many one after another, and it is given up."""
    grace: float = 4.0
    """Between the polite signal and the one that cannot be caught; given twice, to clients and to servers."""


@dataclass
class KeptProgram:
    """A program that is kept running, and what became of it so far."""

    program: Program
    process: "subprocess.Popen[bytes] | None" = None
    began: float = 0.0
    """On the monotonic clock."""
    began_at: float = 0.0
    """In seconds since 1970, for what others say of it."""
    up: bool = False
    deaths: int = 0
    """Quick ones, one after another."""
    due: float = 0.0
    """When it starts again, on the monotonic clock."""
    told: float = 0.0
    """When it was last said that it is not up, or when it began, on the monotonic clock."""


@dataclass
class Supervisor:
    """Starts programs and keeps them running until it is told to stop, or one cannot be kept.

    Args:
        home: the folder of all state, where logs are.
        say: prints a sentence.
        stop: set where all must end.
        mark: what all that is started bears in its environment.
        noted: told of each process that is started.
        patience: how long is waited.
    """

    home: Path
    say: Callable[[str], None]
    stop: threading.Event = field(default_factory=threading.Event)
    mark: str = field(default_factory=partial(secrets.token_hex, 8))
    noted: Callable[[Program, int], None] = lambda program, pid: None
    patience: Patience = field(default_factory=Patience)

    def __enter__(self) -> Self:
        """Start the watcher, before there is anything to leave behind."""
        self._kept: list[KeptProgram] = []
        self._watcher = start_watcher(self.mark)
        return self

    def __exit__(self, *_: object) -> None:
        """End everything, also what the programs started in turn; those that ask the others first."""
        clients = {kept.program.name for kept in self._kept if kept.program.port is None}
        if clients:
            end_marked(self.mark, self.patience.grace, clients)
        end_marked(self.mark, self.patience.grace)
        for kept in self._kept:
            if kept.process is not None:
                with suppress(subprocess.TimeoutExpired):
                    kept.process.wait(self.patience.grace)
        dismiss(self._watcher)

    def process_of(self, program: Program) -> "subprocess.Popen[bytes]":
        """Return the process of a program that is up."""
        return next(
            kept.process for kept in self._kept if kept.program is program and kept.process is not None
        )

    def start(
        self, programs: Iterable[Program], came_up: Callable[[Program, float], None] = lambda *_: None
    ) -> bool:
        """Start programs side by side and wait until all are up.

        Args:
            programs: what is started.
            came_up: called for each that is up, with the seconds that it took.

        Returns:
            False where it was told to stop meanwhile.

        Raises:
            ServerError: one ended or did not come up.
        """
        fresh = [KeptProgram(program) for program in programs]
        for kept in fresh:
            self._start(kept)
        while not self.stop.is_set():
            for kept in fresh:
                self._refuse_failed_start(kept)
                if not kept.up and kept.program.is_up(kept.began_at):
                    kept.up = True
                    came_up(kept.program, time.monotonic() - kept.began)
                elif not kept.up:
                    self._tell_slow(kept)
            if all(kept.up for kept in fresh):
                return True
            self.stop.wait(self.patience.look)
        return False

    def keep(self) -> None:
        """Watch over what was started until told to stop.

        Raises:
            ServerError: a program died so often, so soon after its start, that it is given up.
        """
        while not self.stop.wait(self.patience.look):
            if self._watcher.poll() is not None:
                self._watcher = start_watcher(self.mark)
            for kept in self._kept:
                self._look_after(kept)

    def _look_after(self, kept: KeptProgram) -> None:
        if kept.process is None:
            if time.monotonic() >= kept.due:
                self._start(kept)
            return
        code = kept.process.poll()
        if code is None:
            self._await_up(kept)
        else:
            self._bury(kept, f"ended {_in_words(code)}")

    def _await_up(self, kept: KeptProgram) -> None:
        """Say when a program that was started again is up; end one that does not come up."""
        if kept.up:
            return
        lived = time.monotonic() - kept.began
        if kept.program.is_up(kept.began_at):
            kept.up = True
            self.say(f"{kept.program.title} is up again after {lived:.1f} s")
        elif lived > self.patience.to_start and kept.process is not None:
            kept.process.kill()
            kept.process.wait()
            self._bury(kept, f"was not up after {self.patience.to_start:.0f} s and was ended")

    def _bury(self, kept: KeptProgram, what: str) -> None:
        """Say that a program died, and decide when it starts again."""
        lived = time.monotonic() - kept.began
        kept.process, kept.up = None, False
        kept.deaths = kept.deaths + 1 if lived < self.patience.quick else 1
        told = f"{kept.program.title} {what} after {lived:.0f} s{self._log_of(kept.program)}"
        if kept.deaths >= self.patience.quick_deaths:
            raise ServerError(
                f"{told}\nit died {kept.deaths} times, each time within {self.patience.quick:.0f} s of its "
                "start, and is given up"
            )
        pause = min(self.patience.first_pause * 2 ** (kept.deaths - 1), self.patience.longest_pause)
        kept.due = time.monotonic() + pause
        self.say(f"{told}\n{kept.program.title} starts again in {pause:.0f} s")

    def _tell_slow(self, kept: KeptProgram) -> None:
        now = time.monotonic()
        if now - kept.told >= self.patience.told:
            kept.told = now
            self.say(
                f"{kept.program.title} is not up after {now - kept.began:.0f} s; waiting up to "
                f"{self.patience.to_start:.0f} s (its log is {kept.program.log(self.home)})"
            )

    def _refuse_failed_start(self, kept: KeptProgram) -> None:
        code = kept.process.poll() if kept.process is not None else None
        if code is not None:
            raise ServerError(f"{kept.program.title} ended {_in_words(code)}{self._log_of(kept.program)}")
        if not kept.up and time.monotonic() - kept.began > self.patience.to_start:
            raise ServerError(
                f"{kept.program.title} was not up after {self.patience.to_start:.0f} s"
                f"{self._log_of(kept.program)}"
            )

    def _start(self, kept: KeptProgram) -> None:
        kept.began, kept.began_at = time.monotonic(), time.time()
        kept.told = kept.began
        kept.process = kept.program.start(self.home, {MARK: self.mark})
        if kept not in self._kept:
            self._kept.append(kept)
        self.noted(kept.program, kept.process.pid)

    def _log_of(self, program: Program) -> str:
        lines = program.last_lines(self.home)
        where = program.log(self.home)
        if not lines:
            return f"; its log is {where}"
        return "\n".join([f"; the last lines of {where}:", *(f"  {line}" for line in lines)])


def _in_words(code: int) -> str:
    return f"by signal {-code}" if code < 0 else f"with code {code}"

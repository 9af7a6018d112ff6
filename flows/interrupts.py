"""A signal ends a command soon and in one sentence: what was under way, what is stored, how to go on.

The first signal raises :class:`Interrupted` in the main thread, so that drafts, servers and terminals are
left in order. A thread beside it says the sentence, closes what others see of the run, and ends the process
after some seconds even where the main thread is deep in a library. A second signal ends it at once.
"""

import ctypes
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType, TracebackType

from flows.engine.events import listening
from flows.under_way import UnderWay

GRACE_S = 5.0
"""So long the process may take to leave everything in order."""
_FIRST_S = 0.3
"""Processes of its own end themselves when the main thread leaves them, and are killed after this."""
_SENTENCE_S = 1.0
"""The sentence waits so long for bars to leave the terminal."""
BUILDERS = "veritile"
"""What the names of threads that build begin with."""

_POLL_S = 0.02

Closing = Callable[[], None]
_closings: list[Closing] = []


class Interrupted(BaseException):
    """A signal wants this process to end."""


@contextmanager
def on_interrupt(closing: Closing) -> Iterator[None]:
    """Let ``closing`` be called in a thread of its own when a signal ends the command during the block."""
    _closings.append(closing)
    try:
        yield
    finally:
        if not INTERRUPTION.ending:
            _closings.remove(closing)


class Interruption:
    """What becomes of a command that a signal ends. Use it in the main thread."""

    def __init__(self) -> None:
        self._number = 0
        self._raised = False
        self._wanted = False
        self._left = threading.Event()
        self._under_way = UnderWay()
        self._pipe: tuple[int, int] | None = None
        self._listening: AbstractContextManager[None] = nullcontext()

    def begin(self) -> None:
        """Take over the signals that end a command; one that the user has switched off stays off."""
        if not self._wanted:  # outside of the block, as where a test calls a command
            return
        self._pipe = os.pipe()
        os.set_blocking(self._pipe[1], False)
        for number in _signals():
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._raise)
        # Written to by the kernel's side of Python, also while a library keeps the main thread busy.
        signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)
        threading.Thread(target=self._listen, args=(self._pipe[0],), name="signals", daemon=True).start()
        self._listening = listening(self._under_way)
        self._listening.__enter__()

    @property
    def ending(self) -> bool:
        """Whether a signal has arrived."""
        return self._raised or bool(self._number)

    def take_over(self) -> None:
        """Take SIGTERM back from a library that has taken it."""
        if self._pipe is not None:
            signal.signal(signal.SIGTERM, self._raise)

    def __enter__(self) -> "Interruption":
        self._wanted = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pipe is None:
            return
        if not self.ending:
            signal.set_wakeup_fd(-1)
            self._listening.__exit__(None, None, None)
            os.close(self._pipe[1])  # which ends the thread that reads the other side
            self._pipe, self._wanted = None, False
            return
        self._left.set()
        time.sleep(2 * GRACE_S)  # the other thread ends the process
        leave(self._number or signal.SIGTERM)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        if not self._raised:
            self._raised = True
            _say_nothing_of_threads()
            raise Interrupted

    def _listen(self, pipe: int) -> None:
        while arrived := os.read(pipe, 64):
            for number in arrived:
                if number not in _signals():
                    continue
                if self._number:
                    _say("ended at once by a second signal; run the same command again to resume")
                    leave(self._number)
                self._number = number
                threading.Thread(target=self._wind_up, name="winding-up", daemon=True).start()

    def _wind_up(self) -> None:
        deadline = time.monotonic() + GRACE_S
        _say_nothing_of_threads()
        closing = [threading.Thread(target=each, daemon=True) for each in tuple(_closings)]
        for thread in closing:
            thread.start()
        self._left.wait(_FIRST_S)
        for process in multiprocessing.active_children():
            process.kill()
        interrupt_builders()
        self._left.wait(_SENTENCE_S)
        _say(self._under_way.sentence())
        self._left.wait(max(0.0, deadline - time.monotonic()))
        for thread in closing:
            thread.join(max(0.0, deadline - time.monotonic()))
        while _still_build() and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        leave(self._number)


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


def _say_nothing_of_threads() -> None:
    """Keep tracebacks of threads that are ended from being printed: the sentence says all."""
    logging.getLogger("concurrent.futures").disabled = True
    threading.excepthook = lambda _: None
    sys.unraisablehook = lambda _: None


def interrupt_builders() -> None:
    """Raise :class:`Interrupted` in threads that build, so that they leave no drafts."""
    for thread in _builders():
        if thread.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread.ident), ctypes.py_object(Interrupted)
            )


def _builders() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(f"{BUILDERS}_")]


def _still_build() -> bool:
    """Return whether a thread that builds still runs.

    A signal that breaks off ``Thread.join`` in the main thread makes Python 3.11 and 3.12 take the joined
    thread for ended (bpo-45274), so neither ``join`` nor ``is_alive`` can be asked.
    """
    running = sys._current_frames()
    return any(thread.ident in running for thread in _builders())


def leave(number: int) -> None:
    """End this process now, with the exit code of a signal, and with it what it started."""
    for process in multiprocessing.active_children():
        process.kill()
    for stream in (sys.stdout, sys.stderr):
        if stream.isatty():
            stream.write("\x1b[?25h")  # bars hide the cursor
        stream.flush()
    os._exit(128 + number)


def _signals() -> tuple[int, ...]:
    return tuple(
        int(getattr(signal, name)) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
    )


INTERRUPTION = Interruption()
"""A process has one set of signals, and the command line decides about them."""

"""The first look at a slide file: facts, levels, proof. It runs in a process of its own.

A damaged file can crash a decoder, and a crash ends the whole process. So a file is opened, its levels are
compared and the proof is made in a child process. Where that one dies, the slide fails with a sentence. A
child serves many slides, one after the other, and ends when it has had nothing to do for a while.

``python -m tasks.slides.first_look`` is the child: it answers lines of JSON.
"""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from tasks.slides.choice import ReaderChoice
from tasks.slides.direct.directory import find_layout
from tasks.slides.direct.layout import DirectLayout, NotDirectError
from tasks.slides.direct.source import DirectSource
from tasks.slides.errors import SlideError
from tasks.slides.facts import FileFacts
from tasks.slides.level_check import misfits_by_pixels, misfits_by_size
from tasks.slides.openslide_source import OpenSlideSource, require_file
from tasks.slides.proof import first_difference
from tasks.slides.refused import refuse_misread

PATIENCE_S = 600.0
"""Seconds after which a first look is given up; a network drive may be slow."""

_IDLE_S = 20.0
_READY = b"ready\n"
_PROGRAM = ("-m", "tasks.slides.first_look")


def choose_reader(path: Path) -> ReaderChoice:
    """Return how a file is read, found out in a child process; once per process while it does not change.

    Raises:
        SlideError: there is no such file, OpenSlide does not read it, or looking at it ended the process.
    """
    require_file(path)
    stated = path.stat()
    return _chosen(path.absolute(), (stated.st_size, stated.st_mtime_ns, stated.st_ino))


@lru_cache(maxsize=4096)
def _chosen(path: Path, version: tuple[int, ...]) -> ReaderChoice:
    """Return how a file of this size, time and inode is read."""
    child = _take()
    answer = child.ask(path)
    if answer is None:
        ended = child.end()
        raise SlideError(
            f"{path.name}: the process that looked at it first {ended}: a decoder does not survive this "
            "file, which is damaged or unusual; check it with `openslide-show-properties`, or leave it out"
        )
    _give_back(child)
    if "error" in answer:
        raise SlideError(str(answer["error"]))
    return ReaderChoice.model_validate(answer)


def look(path: Path) -> ReaderChoice:
    """Return how a file is read, in this process.

    Raises:
        SlideError: OpenSlide does not read it, or not its colours.
    """
    openslide = OpenSlideSource(path)
    try:
        facts = openslide.facts()
        refuse_misread(path, facts, openslide)
        left_out = misfits_by_size(facts)
        used = [number for number in range(len(facts.level_sizes)) if number not in left_out]
        layout, reason = _proved(path, openslide, facts, used)
        if layout is None:
            left_out |= misfits_by_pixels(openslide, facts, used)
        else:
            with contextlib.closing(DirectSource(path, layout)) as direct:
                left_out |= misfits_by_pixels(direct, facts, used)
    finally:
        openslide.close()
    return ReaderChoice(
        name="openslide" if layout is None else "direct",
        reason=reason,
        facts=facts,
        levels_left_out=left_out,
        layout=layout,
    )


def _proved(
    path: Path, openslide: OpenSlideSource, facts: FileFacts, used: list[int]
) -> tuple[DirectLayout | None, str]:
    """Return the layout where its pixels are OpenSlide's, and the reason for the choice."""
    try:
        layout = find_layout(path, facts, used)
    except NotDirectError as error:
        return None, str(error)
    with contextlib.closing(DirectSource(path, layout)) as direct:
        equal, wrong = first_difference(direct, openslide, facts, used)
    if wrong:
        return None, f"its own tiles were decoded for comparison, and {wrong}"
    return layout, f"{equal} sampled regions of {len(used)} levels equal OpenSlide's byte for byte"


class _Child:
    """A process that looks at slides when asked."""

    def __init__(self) -> None:
        paths = [os.path.abspath(entry or ".") for entry in sys.path]  # noqa: PTH100 - "" is the folder itself
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, *_PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        self._late = False

    def ask(self, path: Path) -> dict[str, object] | None:
        """Return the answer; None where the process ended, or does not answer."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(str(path.absolute())).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return None
        line = self._line()
        return json.loads(line) if line else None

    def ready(self) -> bool:
        """Return whether the process has not ended for want of work."""
        if self._process.poll() is not None:
            return False
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(b'"" \n')
            self._process.stdin.flush()
        except BrokenPipeError:
            return False
        return self._line() == _READY

    def end(self) -> str:
        """End the process; return how it ended."""
        if self._late:
            self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()
        code = self._process.wait()
        if self._late:
            return f"did not answer within {PATIENCE_S:.0f} s"
        if code < 0:
            return f"was ended by signal {signal.Signals(-code).name}"
        return f"ended with code {code}"

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            self._late = not selector.select(PATIENCE_S)
        return b"" if self._late else self._process.stdout.readline()


_idle: tuple[int, list[_Child]] = (0, [])
_lock = threading.Lock()
os.register_at_fork(after_in_child=lambda: globals().update(_lock=threading.Lock(), _idle=(0, [])))


def _take() -> _Child:
    """Return a child that is idle and alive, or a new one."""
    while True:
        with _lock:
            idle = _idle[1]
            child = idle.pop() if idle else None
        if child is None:
            return _Child()
        if child.ready():
            return child
        child.end()


def _give_back(child: _Child) -> None:
    with _lock:
        _idle[1].append(child)


def _serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there is nothing to do for a while, or the asking process is gone."""
    with selectors.DefaultSelector() as selector:
        selector.register(questions, selectors.EVENT_READ)
        while selector.select(_IDLE_S):
            line = questions.readline()
            if not line:
                return
            path = json.loads(line)
            answers.write(_answer(Path(path)) if path else _READY)
            answers.flush()


def _answer(path: Path) -> bytes:
    try:
        return look(path).model_dump_json().encode() + b"\n"
    except SlideError as error:
        return json.dumps({"error": str(error)}).encode() + b"\n"


def _main() -> None:
    """Serve on the real standard output, which nothing else may write to."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    _main()

"""Attempts: which process works on an artifact, noted before the work, and what ended its process too often.

A process that dies tells nobody why. What it worked on is therefore written down before it begins. When the
same run begins the same artifact once more, the process before was lost, and that is counted. Where a whole
run was ended, nothing is counted: the next run has another name.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.artifacts.process_identity import this_process
from tasks.artifacts.record import write_atomically
from tasks.artifacts.spec import ArtifactSpec

LIMIT: Final = 2
"""An artifact that ended so many processes is not tried again unless the user asks for it."""


class QuarantinedError(Exception):
    """An artifact ended too many processes to be tried again."""


class Attempt(BaseModel):
    """One process that began to make an artifact.

    Attributes:
        run: the build request that it belongs to.
        process: which process it is.
        worker: the name of the worker.
        began: seconds since 1970.
        hung: the minutes after which it was ended because it took too long; None where it was not.
    """

    model_config = ConfigDict(frozen=True)

    run: str
    process: str
    worker: str
    began: float
    hung: float | None = None


class Attempts(BaseModel):
    """The attempts on one artifact: the one under way, and those whose process was lost."""

    model_config = ConfigDict(frozen=True)

    label: str
    under_way: Attempt | None = None
    lost: tuple[Attempt, ...] = ()


class AttemptNotes:
    """One small file per artifact that is being made or was lost, below the home."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "work" / "attempts"

    def begin(
        self, specs: Sequence[ArtifactSpec], run: str, worker: str, minutes: float | None = None
    ) -> None:
        """Note that this process begins to make ``specs`` in one go.

        Args:
            specs: what is made.
            run: the build request. The same one twice means that the process before was lost.
            worker: the name of this worker.
            minutes: how long the work may take.

        Raises:
            QuarantinedError: they ended too many processes, this run's included.
        """
        hung = self._minutes_of(specs[0], minutes)
        self.trace(specs[0]).unlink(missing_ok=True)
        process = this_process().text
        mine = Attempt(run=run, process=process, worker=worker, began=time.time())
        noted = []
        for spec in specs:
            before = self._read(spec)
            lost, last = before.lost, before.under_way
            if last is not None and last.run == run and last.process != process:
                lost = (*lost, last.model_copy(update={"hung": hung}))
            noted.append(Attempts(label=spec.label, under_way=mine, lost=lost))
        refused = next((each.lost for each in noted if len(each.lost) >= LIMIT), None)
        for spec, each in zip(specs, noted, strict=True):
            self._write(spec, each if refused is None else each.model_copy(update={"under_way": None}))
        if refused is not None:
            raise QuarantinedError(_sentence(specs[0], refused))

    def end(self, spec: ArtifactSpec) -> None:
        """Forget all attempts: the work ended, well or with an error, and its process lives."""
        self._path(spec).unlink(missing_ok=True)
        self.trace(spec).unlink(missing_ok=True)

    def withdraw(self, spec: ArtifactSpec) -> None:
        """Forget the attempt under way: its process is ended for a reason of its own."""
        before = self._read(spec)
        if before.lost:
            self._write(spec, before.model_copy(update={"under_way": None}))
        else:
            self.end(spec)

    def quarantined(self, spec: ArtifactSpec) -> str | None:
        """Return why ``spec`` is not tried again, or None."""
        lost = self._read(spec).lost
        return _sentence(spec, lost) if len(lost) >= LIMIT else None

    def trace(self, spec: ArtifactSpec) -> Path:
        """Return the file that a process writes where it was when its time was over."""
        return self._folder / f"{spec.fingerprint}.trace"

    def _minutes_of(self, spec: ArtifactSpec, minutes: float | None) -> float | None:
        trace = self.trace(spec)
        return minutes if trace.is_file() and trace.stat().st_size else None

    def _read(self, spec: ArtifactSpec) -> Attempts:
        try:
            return Attempts.model_validate_json(self._path(spec).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValidationError):
            # A file that a full disk left empty tells nothing.
            return Attempts(label=spec.label)

    def _write(self, spec: ArtifactSpec, attempts: Attempts) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path(spec), attempts.model_dump_json(indent=1))

    def _path(self, spec: ArtifactSpec) -> Path:
        return self._folder / f"{spec.fingerprint}.json"


def died(times: str = "") -> str:
    """Return the sentence for a process that was lost; ``times`` says how often."""
    return f"it ended its process{times}, as for lack of memory or after an error in a decoder"


def _sentence(spec: ArtifactSpec, lost: tuple[Attempt, ...]) -> str:
    """Return why ``spec`` is not tried again. It may be stored by others, so it holds no time and no host."""
    hung = [attempt.hung for attempt in lost if attempt.hung is not None]
    if len(hung) == len(lost):
        why = f"it was ended {_often(len(lost))}, as it took longer than {max(hung):g} minutes"
    else:
        why = died(f" {_often(len(lost))}")
    asked = f"--only {spec.stage} or --from {spec.stage}"
    return f"{why}; it is tried again only by {asked}, or after its inputs changed"


def _often(times: int) -> str:
    return "twice" if times == LIMIT else f"{times} times"

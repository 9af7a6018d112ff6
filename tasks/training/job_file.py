"""A training as a file for the processes that run it, and the files that they write beside it.

In its work folder: ``job.json`` (:class:`JobFile`), ``said.jsonl`` (the reports of the first process, one per
line) and ``failed-<rank>.json`` (the sentence that ended a process).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self, TextIO

from pydantic import BaseModel, ConfigDict

from tasks.artifacts.feature_set import FeatureSet
from tasks.artifacts.pixel_source import PixelSource
from tasks.artifacts.tile_set import TileSet
from tasks.models.errors import ModelError
from tasks.training.bag_job import BagJob
from tasks.training.base_job import AnyJob
from tasks.training.errors import CollapsedError, DivergedError, StoppedError, TrainingDataError
from tasks.training.job import TrainingJob
from tasks.training.recipe import ArmRecipe, TrainingRecipe
from tasks.training.resources import TrainingResources
from tasks.training_step.rank import Rank

JOB, SAID, FAILED = "job.json", "said.jsonl", "failed-{rank}.json"

EXPECTED = (DivergedError, CollapsedError, TrainingDataError, ModelError)
"""Errors that end a training with a sentence. Anything else is a bug."""


class JobFile(BaseModel):
    """A job without its rank, with its folders. ``threads`` are those of each process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tile_sets: tuple[Path, ...] = ()
    """Folders of tiles, for a tile classifier."""
    features: tuple[Path, ...] = ()
    """Folders of features, for a slide model."""
    recipe: TrainingRecipe
    arm: ArmRecipe
    seed: int
    device: str
    shared_patients: tuple[str, ...] = ()
    roles: dict[str, str] | None = None
    out: Path
    work: Path
    threads: int = 1
    processes: int = 1
    """On all machines together."""
    source: dict[str, Any] | None = None
    """What :meth:`tasks.artifacts.pixel_source.PixelSource.form` gave; None where pixels are kept."""
    resources: TrainingResources = TrainingResources()

    @classmethod
    def of(cls, job: AnyJob, out: Path, work: Path, threads: int) -> Self:
        """Return the file of ``job``."""
        folders = tuple(each.folder.resolve() for each in job.sources)
        sources = (each.source for each in job.sources if isinstance(each, TileSet))
        return cls(
            tile_sets=() if isinstance(job, BagJob) else folders,
            features=folders if isinstance(job, BagJob) else (),
            recipe=job.recipe,
            arm=job.arm,
            seed=job.seed,
            device=job.device,
            shared_patients=tuple(sorted(job.shared_patients)),
            roles=None if job.roles is None else dict(job.roles),
            out=out.resolve(),
            work=work.resolve(),
            threads=threads,
            processes=job.rank.count,
            source=next((source.form() for source in sources if source is not None), None),
            resources=job.resources,
        )

    def job(self, device: str, rank: Rank, source: PixelSource | None = None) -> AnyJob:
        """Return the job of the process ``rank``, on ``device``, with pixels from ``source``."""
        rest = (
            self.recipe,
            self.arm,
            self.seed,
            device,
            frozenset(self.shared_patients),
            self.roles,
            rank,
            self.resources,
        )
        if self.features:
            return BagJob(tuple(FeatureSet.open(folder) for folder in self.features), *rest)
        return TrainingJob(tuple(TileSet.open(folder, source) for folder in self.tile_sets), *rest)


def write_failure(work: Path, rank: int, error: BaseException) -> None:
    """Write the sentence of one of :data:`EXPECTED`."""
    epoch = error.epoch if isinstance(error, StoppedError) else None
    said = {"kind": type(error).__name__, "sentence": str(error), "epoch": epoch}
    (work / FAILED.format(rank=rank)).write_text(json.dumps(said), encoding="utf-8")


def read_failure(work: Path) -> BaseException | None:
    """Return the exception that ended a process, the first one's before the others'."""
    for path in sorted(work.glob(FAILED.format(rank="*"))):
        said = json.loads(path.read_text(encoding="utf-8"))
        kind = next(kind for kind in EXPECTED if kind.__name__ == said["kind"])
        # Not through its constructor, which would build the sentence again.
        error: BaseException = kind.__new__(kind, said["sentence"])
        if isinstance(error, StoppedError):
            error.epoch = said["epoch"]
        return error
    return None


def forget(work: Path) -> None:
    """Remove the files of an earlier attempt."""
    for name in (SAID, FAILED.format(rank="*"), ".meeting*"):
        for path in work.glob(name):
            path.unlink()


class Said:
    """Reads the reports of the first process. A line that is still being written is left for later."""

    def __init__(self, work: Path) -> None:
        self._path = work / SAID
        self._stream: TextIO | None = None
        self._begun = ""

    def new(self) -> Iterator[dict[str, Any]]:
        """Yield the reports since the last call."""
        if self._stream is None:
            if not self._path.exists():
                return
            self._stream = self._path.open(encoding="utf-8")
        *lines, self._begun = (self._begun + self._stream.read()).split("\n")
        yield from (json.loads(line) for line in lines)

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()

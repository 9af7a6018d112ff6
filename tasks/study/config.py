"""StudyBase: the keys of a study file that belong to no stage. Each stage adds its own section."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tasks.artifacts.backends.address import read_address
from tasks.slides.row import Split as Split
from tasks.study.cluster import Cluster


class Section(BaseModel):
    """A frozen block of the study file; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @classmethod
    def at_level(cls, data: Any, level: str) -> Any:
        """Return the section as it was written, with defaults filled in that depend on the study's level."""
        return data


S = TypeVar("S", bound=BaseModel)


class FailurePolicy(Section):
    """Which failures a study tolerates."""

    max_failed_slides: float = Field(0.0, ge=0.0, lt=1.0)
    """The fraction of slides that may fail in the tile stage. Above it the study ends."""


class FoldsRecipe(Section):
    """Cross-validation: every slide that the folds share out is held out by one of them."""

    by: Literal["patient", "slide"] = "patient"
    """What stays together in one group. ``slide`` separates the slides of patients, each of whom
    ``shared_patients`` must name."""
    of: tuple[Split, ...] = Field(("train", "val"), min_length=1)
    """Slides of these splits of the manifest are shared out. The others are left out of the study."""
    count: int = Field(5, ge=3)
    """Groups, and hence folds: one is test, one is val, at least one is train."""
    seed: int = Field(0, ge=0)
    """Seed of the shuffle."""
    only: tuple[int, ...] | None = Field(None, min_length=1)
    """Which folds are run; all by default."""

    @model_validator(mode="after")
    def _exist(self) -> Self:
        refuse_repeats("folds.of", self.of)
        refuse_repeats("folds.only", map(str, self.only or ()))
        strangers = [index for index in self.only or () if not 0 <= index < self.count]
        if strangers:
            raise ValueError(f"only names fold {strangers[0]}; the folds are 0 to {self.count - 1}")
        return self


class Resources(Section):
    """What changes no number: how much is done at once, and where."""

    batch: int = Field(64, ge=1)
    """Tiles per forward pass in predict, explain and evaluate."""
    training_cache_mb: int = Field(1024, ge=0)
    """Megabytes of tiles that each training keeps in memory of those it reads from slides (``tile.keep:
    none``); what does not fit is read again in every epoch."""
    workers: int = Field(2, ge=1)
    """Slides tiled at the same time."""
    runner: Literal["inline", "threads", "dask"] = "threads"
    """Where builds run: ``inline`` makes one artifact after another; ``threads`` tiles slides in threads and
    gives each device slot a thread; ``dask`` sends builds to the processes of a cluster."""
    cluster: Cluster | None = None
    """The cluster of ``runner: dask``. Left out: as many processes of this machine as there are workers."""
    timeout_minutes: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """How long one build of a stage may take, by stage, such as ``{tile: 60}``. With ``runner: dask`` the
    process that takes longer is ended; other runners have no process to end."""
    torchrun: tuple[str, ...] = ()
    """The words that start the processes of a training on several machines, such as ``[srun, --nodes=2,
    torchrun, --nnodes=2, --nproc-per-node=4]``. The module and its job file are appended. Left out:
    ``processes`` are processes of one machine."""
    training_restarts: int = Field(2, ge=0)
    """How often a training in several processes of one machine goes on from its last saved state after one
    of them died."""
    prefetch: int = Field(2, ge=1)
    """Batches of tiles that are read and sent to the device ahead of the model."""
    save_minutes: float = Field(10, ge=0)
    """An unfinished training is saved after every epoch, and within one after so many minutes. A kill loses
    no more than that. 0 saves it after every step."""
    mlflow: Literal["required", "later"] = "required"
    """What a run does where MLflow does not answer at its start: ``required``: it refuses to begin;
    ``later``: it goes on, and ``veritile record`` records the study once MLflow answers."""
    devices: tuple[Annotated[str, Field(pattern=r"^(cpu|cuda(:\d+)?)$")], ...] = ()
    """Device slots of the kind that ``device`` names, for example ``[cuda:0, cuda:1]``: one model per slot at
    a time. Left out: one slot; with ``runner: dask`` on a CPU one per worker."""
    store: str | None = None
    """Where artifacts are stored: the URL of an object store, such as ``s3://bucket/prefix``, or of a folder
    that several machines share, ``file:///folder``. Keys and the endpoint come from the environment. Left
    out: the folder ``store`` of the home."""
    cache_gb: float = Field(50.0, gt=0)
    """Gigabytes of the home's disk for copies of artifacts of an object store. What was used last stays."""
    slide_cache_gb: float = Field(100.0, gt=0)
    """Gigabytes of the home's disk for copies of slides, where the data root is a URL."""

    @field_validator("store")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        return None if value is None else str(read_address(value))

    @property
    def joined(self) -> Cluster:
        """The cluster that ``runner: dask`` uses."""
        return self.cluster or Cluster(workers=self.workers)

    @model_validator(mode="after")
    def _cluster_is_used(self) -> Self:
        if self.runner == "dask":
            workers = self.joined.workers
            if workers is not None and len(self.devices) > workers:
                raise ValueError(
                    f"resources.devices names {len(self.devices)} device slots, and resources.cluster has "
                    f"{workers} workers; each slot needs a worker of its own"
                )
            return self
        for name in ("cluster", "timeout_minutes"):
            if getattr(self, name):
                raise ValueError(f"resources.{name} needs resources.runner: dask, got {self.runner}")
        return self


class StudyBase(Section):
    """The keys of a study file that belong to no stage."""

    study: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_\-]*$")
    manifest: str
    """The cohort's CSV, relative to the study file."""
    level: Literal["tile", "slide"] = "tile"
    """What the models of the study eat: ``tile``, images of tiles with the label of each tile; ``slide``,
    bags of the features of all tiles of a slide, with the label of the slide."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    cpu_threads: int = Field(2, ge=1)
    """Threads of one model on a CPU. It belongs to the recipe of training: another number changes rounding,
    and therefore the trained weights."""
    processes: int = Field(1, ge=1)
    """Processes that one training is spread over. On a CPU they share the threads, elsewhere each has an
    accelerator. It is recipe: other sums, other last bits."""
    shared_patients: tuple[str, ...] = ()
    """Patients that train and val may share, each allowed by name; test shares none."""
    failures: FailurePolicy = FailurePolicy()
    folds: FoldsRecipe | None = None
    """Cross-validation. Without it slides have the splits of the manifest."""
    resources: Resources = Resources()

    @field_validator("manifest")
    @classmethod
    def _is_csv(cls, value: str) -> str:
        if not value.endswith(".csv"):
            raise ValueError(f"the manifest must be a .csv file, got {value!r}")
        return value

    @model_validator(mode="after")
    def _devices_are_of_one_kind(self) -> Self:
        kinds = {name.partition(":")[0] for name in self.resources.devices}
        if kinds and self.device != "auto" and kinds != {self.device}:
            raise ValueError(
                f"resources.devices {list(self.resources.devices)} must be of the kind that device names: "
                f"{self.device}"
            )
        if len(kinds) > 1:
            raise ValueError(f"resources.devices must be of one kind, got {', '.join(sorted(kinds))}")
        return self

    @model_validator(mode="after")
    def _machines_have_processes(self) -> Self:
        if self.resources.torchrun and self.processes == 1:
            raise ValueError(
                "resources.torchrun starts a training on several machines; say in processes how many "
                "processes it has on all of them together, got 1"
            )
        return self

    def section(self, kind: type[S]) -> S:
        """Return the section of type ``kind``.

        Raises:
            LookupError: no stage has such a section.
        """
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, kind):
                return value
        raise LookupError(f"the study has no section of type {kind.__name__}")


def refuse_repeats(what: str, values: Iterable[str]) -> None:
    """Raise ValueError naming each of ``values`` that is repeated."""
    repeated = [value for value, count in Counter(values).items() if count > 1]
    if repeated:
        raise ValueError(f"{what} must be unique, but {', '.join(repeated)} is listed more than once")

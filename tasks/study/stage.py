"""Stage: which artifacts it plans, and how it builds one. A new stage is one file in ``tasks/``."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from functools import cache, partial
from pathlib import Path
from types import UnionType
from typing import Any, ClassVar, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from tasks.artifacts.artifact import Artifact
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.artifacts.record import ArtifactRecord
from tasks.artifacts.spec import ArtifactSpec
from tasks.study.config import StudyBase
from tasks.study.study import Study

LOOKS = "earlier_looks"
"""The tag that says how often the held-out slides were compared before this run."""

Measures = Mapping[str, float]
"""What a build measured of itself (seconds, megabytes). It is kept in the record, never in the payload."""

InputName = str | ModelKey | ArtifactKey
"""What distinguishes the members of one input: a slide id, a model or the artifact's own key."""

InputKeys = ArtifactKey | Mapping[Any, ArtifactKey]
"""One input as planned: a key, or keys by :data:`InputName`."""


def keys_in(keys: InputKeys) -> Iterable[ArtifactKey]:
    """Return the keys of one input, of which there may be one or many."""
    return (keys,) if isinstance(keys, ArtifactKey) else keys.values()


Tolerance = Literal["none", "some", "all"]
"""How many members of an input may be left out after they were tried and failed."""

I = TypeVar("I")  # noqa: E741  # the inputs of a stage
_TOLERANCE, _ALONG = "tolerance", "along"


def required() -> Any:
    """Declare an input that must be there, all of it."""
    return field(metadata={_TOLERANCE: "none"})


def some(along: str | None = None) -> Any:
    """Declare an input whose failed members are left out, as long as one remains.

    With ``along`` a member is left out only where the member of that name of the input ``along`` is.
    """
    return field(metadata={_TOLERANCE: "some", _ALONG: along})


def optional_on_failure() -> Any:
    """Declare an input that is left out where it was tried and failed. What was never made is not."""
    return field(metadata={_TOLERANCE: "all"})


@dataclass(frozen=True)
class InputField:
    """One declared input of a stage.

    Attributes:
        view: the type of artifact.
        many: whether it is a mapping of artifacts.
        tolerance: which of its members may be left out after a failure.
        along: the input whose left out members alone may be left out here too; None: any.
        may_be_none: whether an artifact may be planned without it.
    """

    view: type[Artifact]
    many: bool
    tolerance: Tolerance
    along: str | None = None
    may_be_none: bool = False


@dataclass(frozen=True)
class Planned:
    """One artifact of a study, before anything is made.

    Attributes:
        key: which artifact.
        recipe: every setting that may change its bytes, as plain JSON.
        modules: the domain modules that make it. Their code, and all code that they reach, is fingerprinted.
        inputs: for each field of the stage's inputs the key, or keys by name.
        files: hashes of the input files it reads, by name.
        seed: of its random numbers.
        together: artifacts of one stage with an equal value are built in one go.
    """

    key: ArtifactKey
    recipe: Mapping[str, Any]
    modules: tuple[str, ...]
    inputs: Mapping[str, InputKeys] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None
    together: ModelKey | None = None

    @property
    def input_keys(self) -> Iterator[ArtifactKey]:
        """Every artifact that it is made from."""
        for keys in self.inputs.values():
            yield from keys_in(keys)


@dataclass(frozen=True)
class BuildContext:
    """What a build may know beyond its inputs.

    Attributes:
        study: the study.
        spec: what is built, with the recipe that it is stored under.
        key: which artifact.
        device: the device slot that the build has.
        advance: called with the number of items just done; where it is shown is not the build's affair.
        record_of: the record of one input, by its key.
        failures: why inputs were left out, by key; where the stage tells failures, also what failed before.
        tags: what the recording notes of this run, such as the command that was typed.
    """

    study: Study
    spec: ArtifactSpec
    key: ArtifactKey
    device: str
    advance: Callable[[int], None]
    record_of: Callable[[ArtifactKey], ArtifactRecord]
    failures: Mapping[ArtifactKey, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def looks(self) -> str:
        """A sentence on how often the held-out slides were compared before; empty if nothing is known."""
        return self.tags.get(LOOKS, "")

    @property
    def work(self) -> Path:
        """The folder in which unfinished work is kept, to be resumed after a kill; made if absent."""
        return self.study.store.work(self.spec)


@dataclass(frozen=True)
class Build(Generic[I]):
    """One artifact to build: its opened inputs and its context."""

    inputs: I
    context: BuildContext


Writer = Callable[[Path], Measures | None]
"""Writes one payload into an empty folder."""


class Stage(ABC, Generic[I]):
    """One step of a study.

    A subclass states its class attributes, plans artifacts and builds one. ``I`` is a frozen dataclass of
    artifact views, single or by name; each field is declared by :func:`required`, :func:`some` or
    :func:`optional_on_failure`.
    """

    name: ClassVar[str]
    """The word for it, on the command line and in keys; the name of its file."""

    group: ClassVar[str]
    """The step of the overview that it belongs to: tile, train, explain, evaluate, compare or record."""

    makes: ClassVar[type[Artifact]]
    """The view of what it makes."""

    section: ClassVar[type[BaseModel] | None] = None
    """Its block of the study file, under the name of the stage."""

    asks_models: ClassVar[bool] = False
    """Whether a build asks a model, and so needs a device slot."""

    reads_slides: ClassVar[bool] = False
    """Whether a build decodes slides, and so may run beside others in a thread."""

    reads_held_out: ClassVar[bool] = False
    """Whether it reads held-out slides to judge models, which is logged."""

    tolerates_failures: ClassVar[bool] = False
    """Whether ``failures.max_failed_slides`` applies to its artifacts."""

    tells_failures: ClassVar[bool] = False
    """Whether its payload tells what failed, so that failures are part of its recipe."""

    retries: ClassVar[int] = 0
    """How often a build is tried again after an error of the file system."""

    timeout_s: ClassVar[float | None] = None
    """How long a build may take; None: as long as it needs."""

    @abstractmethod
    def plan(self, study: Study) -> Iterator[Planned]:
        """Yield every artifact of this stage that the study calls for."""

    @abstractmethod
    def build(self, inputs: I, out: Path, context: BuildContext) -> Measures | None:
        """Write the payload of one artifact into the empty folder ``out``."""

    def writers(self, builds: Sequence[Build[I]]) -> Sequence[Writer]:
        """Return one writer per build. A stage that computes several artifacts at once overrides this."""
        return [partial(self._write, build) for build in builds]

    def check(self, config: StudyBase) -> None:  # most stages have nothing to add
        """Refuse a study whose sections disagree, with a ValueError of one sentence."""

    def _write(self, build: Build[I], out: Path) -> Measures | None:
        return self.build(build.inputs, out, build.context)

    @classmethod
    def inputs_type(cls) -> type[I]:
        """Return the dataclass of the stage's inputs."""
        for base in getattr(cls, "__orig_bases__", ()):
            if get_origin(base) is Stage:
                inputs: type[I] = get_args(base)[0]
                return inputs
        raise TypeError(f"{cls.__name__} must derive from Stage[<its inputs>]")

    @classmethod
    def input_fields(cls) -> Mapping[str, InputField]:
        """Return the declared inputs, by name."""
        inputs: Any = cls.inputs_type()
        return _fields_of(inputs)


@cache
def _fields_of(inputs: Any) -> Mapping[str, InputField]:
    hints = get_type_hints(inputs)
    return {item.name: _field(hints[item.name], item.metadata) for item in dataclass_fields(inputs)}


def _field(hint: Any, declared: Mapping[str, Any]) -> InputField:
    may_be_none = get_origin(hint) in (Union, UnionType)
    if may_be_none:
        hint = next(arg for arg in get_args(hint) if arg is not type(None))
    many = get_origin(hint) is not None
    view = get_args(hint)[1] if many else hint
    return InputField(view, many, declared[_TOLERANCE], declared.get(_ALONG), may_be_none)

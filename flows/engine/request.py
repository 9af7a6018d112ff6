"""BuildRequest: what is sent to wherever a build runs, and the build itself."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from flows.engine.events import Advanced, emit
from flows.engine.resolve import Resolved
from flows.engine.stages import stage_named
from flows.hidden_names import names_hidden
from flows.home_check import SALT
from tasks.artifacts.backends.holds import holding
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.record import ArtifactRecord
from tasks.artifacts.spec import ArtifactSpec, Reference
from tasks.artifacts.storage_errors import Storing
from tasks.artifacts.store import Store, Write
from tasks.study.stage import Build, BuildContext, InputKeys, keys_in
from tasks.study.study import Study
from tasks.tiling.on_demand import SlidePixels


@dataclass(frozen=True)
class RequestedArtifact:
    """One artifact of a request: what it is, what it is made from, and whether it is made in any case."""

    key: ArtifactKey
    spec: ArtifactSpec
    inputs: Mapping[str, InputKeys]
    references: Mapping[ArtifactKey, Reference]
    force: bool = False

    @classmethod
    def of(
        cls, resolved: Resolved, references: Mapping[ArtifactKey, Reference], force: bool
    ) -> "RequestedArtifact":
        """Return the request for an artifact whose inputs are all stored."""
        assert resolved.spec is not None
        stored = {key: references[key] for keys in resolved.inputs.values() for key in keys_in(keys)}
        return cls(resolved.planned.key, resolved.spec, resolved.inputs, stored, force)


class BuildRequest:
    """Artifacts of one stage that one build makes. It holds no open file, lock or callable: it pickles.

    They are built in one go, or, where they are ``bundled``, one after the other.

    It is no dataclass on purpose: Prefect looks for futures in every field of a parameter that it knows how
    to walk, and a study holds thousands.
    """

    def __init__(  # one request says all that a build needs
        self,
        stage: str,
        study: Study,
        artifacts: Sequence[RequestedArtifact],
        attempt: str,
        failures: Mapping[ArtifactKey, str],
        tags: Mapping[str, str],
    ) -> None:
        self.stage, self.study, self.artifacts = stage, study, tuple(artifacts)
        self.attempt, self.failures, self.tags = attempt, failures, tags
        self.device = study.device
        self.bundled = False
        self.label = _label(stage, self.artifacts)
        """The name of the build, for people."""

    def only(self, artifacts: Sequence[RequestedArtifact]) -> "BuildRequest":
        """Return the request for some of its artifacts, under the name of the whole."""
        some = copy(self)
        some.artifacts, some.bundled = tuple(artifacts), False
        return some

    def one_by_one(self) -> "Iterator[BuildRequest]":
        """Yield what is built in one go."""
        if not self.bundled:
            yield self
            return
        yield from (self.only([artifact]) for artifact in self.artifacts)

    def on(self, device: str) -> "BuildRequest":
        """Return this request for a device slot."""
        self.device = device
        return self


def _label(stage: str, artifacts: Sequence[RequestedArtifact]) -> str:
    if not artifacts:
        return stage
    first = artifacts[0].key
    several = f"{ArtifactKey(first.stage, first.model)} ({len(artifacts)} artifacts)"
    return first.label if len(artifacts) == 1 else several


@dataclass(frozen=True)
class _Advance:
    label: str = field(default="")

    def __call__(self, items: int) -> None:
        emit(Advanced(self.label, items))


def fulfil(request: BuildRequest) -> None:
    """Build what is requested: in this thread, or wherever :func:`built_by` says in this context."""
    _builder.get()(request)


@contextmanager
def built_by(builder: Callable[[BuildRequest], None]) -> Iterator[None]:
    """Let ``builder`` build what is requested in this context while the block runs."""
    token = _builder.set(builder)
    try:
        yield
    finally:
        _builder.reset(token)


def fulfil_here(request: BuildRequest) -> None:
    """Build what is requested in this thread and store it. What is stored already, and not forced, is left.

    An artifact that cannot be written keeps none of the others from being stored. Errors name no patient and
    no file of a slide: what sees them next writes them down.

    Raises:
        StorageError: the disk cannot take it.
    """
    with names_hidden(request.study):
        _fulfil(request)


def _fulfil(request: BuildRequest) -> None:
    stage, store = stage_named(request.stage), request.study.store
    if stage.asks_models:
        _prepare_models(request.study.config.cpu_threads)
    # What is fetched of an object store stays in the cache until all is built.
    with holding(), Storing(request.stage, request.study.home, SALT), ExitStack() as errors:
        writers = stage.writers(list(_opened(request)))
        for artifact, write in zip(request.artifacts, writers, strict=True):
            # Called back last to first; an error in one lets the others run and is raised at the end.
            errors.callback(_store, store, artifact, write, request)


def _store(store: Store, artifact: RequestedArtifact, write: Write, request: BuildRequest) -> None:
    with Storing(artifact.key.label, request.study.home, SALT):
        store.reuse_or_build(artifact.spec, write, force=artifact.force, attempt=request.attempt)


_builder: ContextVar[Callable[[BuildRequest], None]] = ContextVar("builder", default=fulfil_here)


def _prepare_models(threads: int) -> None:
    """Let this thread use so many threads for a model, and float32 be float32.

    OpenMP keeps the number of threads per calling thread.
    """
    import torch  # heavy: a plan does not need it

    from tasks.functional.arithmetic import promise_float32

    torch.set_num_threads(threads)
    promise_float32()


def _opened(request: BuildRequest) -> Iterator[Build[Any]]:
    """Yield the builds of a request. What several of them read is checked and opened once."""
    stage, store = stage_named(request.stage), request.study.store
    path, record = cache(store.path), cache(store.record)
    source = SlidePixels(request.study.data_root, request.study.row)
    for artifact in request.artifacts:
        given: dict[str, Any] = {}
        for name, declared in stage.input_fields().items():
            keys = artifact.inputs.get(name)
            if keys is None:
                given[name] = {} if declared.many else None
            elif isinstance(keys, ArtifactKey):
                given[name] = declared.view.open(path(artifact.references[keys]), source)
            else:
                given[name] = {
                    n: declared.view.open(path(artifact.references[k]), source) for n, k in keys.items()
                }
        context = BuildContext(
            study=request.study,
            spec=artifact.spec,
            key=artifact.key,
            device=request.device,
            advance=_Advance(request.label),
            record_of=partial(_record_of, record, artifact.references),
            failures=request.failures,
            tags=request.tags,
        )
        yield Build(stage.inputs_type()(**given), context)


def _record_of(
    record: Callable[[Reference], ArtifactRecord],
    references: Mapping[ArtifactKey, Reference],
    key: ArtifactKey,
) -> ArtifactRecord:
    return record(references[key])

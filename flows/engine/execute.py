"""Execute a plan: reuse what is stored, start what is ready, keep what succeeded."""

import logging
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

from flows.engine.bundles import Bundler
from flows.engine.events import BuildEnded, BuildStarted, Failed, Reused, RunStarted, Stored, emit
from flows.engine.guard import Guard, earlier_looks
from flows.engine.plan import Plan
from flows.engine.ready import ReadyQueue
from flows.engine.request import BuildRequest, RequestedArtifact
from flows.engine.rerun import RerunOptions
from flows.engine.resolve import Resolved, Resolver, RunState
from flows.engine.runners.base import Ended, Lane, Runner, Submit, sentence_for
from flows.engine.runners.chosen import chosen_runner
from flows.engine.stages import stage_named
from flows.engine.status import plan_status, refuse_missing, to_make
from flows.home_check import SALT, refuse_unwritable, refuse_vanished
from tasks.artifacts.attempts import AttemptNotes
from tasks.artifacts.backends.errors import StoreError
from tasks.artifacts.drafts import sweep
from tasks.artifacts.failures import FailureNotes
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.record import ArtifactRecord
from tasks.artifacts.spec import ArtifactSpec
from tasks.artifacts.storage_errors import StorageError, Storing
from tasks.study.stage import LOOKS

_log = logging.getLogger("veritile.study")


@dataclass(frozen=True)
class RunResult:
    """What a run came to. ``stopped`` is why nothing further was started, with ``waiting`` left."""

    plan: Plan
    state: RunState
    executed: tuple[ArtifactKey, ...]
    stopped: StorageError | None = None
    waiting: int = 0


@dataclass
class Execution:
    """One run of a plan. ``counted`` holds what progress expects to be made."""

    plan: Plan
    options: RerunOptions
    runner: Runner
    guard: Guard
    tags: Mapping[str, str] = field(default_factory=dict)
    counted: Set[ArtifactKey] = frozenset()
    full: bool = False
    executed: list[ArtifactKey] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._resolver = Resolver(self.plan, self.options, full=self.full)
        self.state = self._resolver.state
        self._notes = FailureNotes(self.plan.study.home)
        self._queue = ReadyQueue(plan_reached(self.plan, self.options), self.plan)
        self._ready: dict[ArtifactKey, Resolved] = {}
        self._stopped: StorageError | None = None
        self._lost: dict[ArtifactKey, StoreError] = {}
        self._attempts = AttemptNotes(self.plan.study.home)
        self._bundler = Bundler()

    def run(self) -> RunResult:
        """Run the plan."""
        while True:
            self._settle_what_is_ready()
            self._start_what_fits()
            if not self.runner.busy:
                break
            self._collect(self.runner.wait())
        state = self.state
        waiting = self.counted - {*state.references, *state.failed, *state.blocked, *state.absent}
        return RunResult(self.plan, state, tuple(self.executed), self._stopped, len(waiting))

    def _settle_what_is_ready(self) -> None:
        """Decide about every artifact whose inputs are settled, until no further one is."""
        while (planned := self._queue.next_open()) is not None:
            resolved = self._resolver.resolve(planned)
            if self._decide(resolved):
                self._queue.settle(planned.key)
            else:
                self._ready[planned.key] = resolved

    def _decide(self, resolved: Resolved) -> bool:
        """Settle an artifact without building it, if that is possible."""
        key, state = resolved.planned.key, self.state
        if resolved.blocked_by is not None:
            state.blocked[key] = resolved.blocked_by
            return True
        if resolved.spec is None:
            state.absent.add(key)
            return True
        forced = self.options.forces(key)
        try:
            record = None if forced else self._resolver.stored(resolved.spec, use=True)
        except StoreError as error:
            state.failed[key] = str(error)
            _log.error("%s failed: %s", key, error)
            return True
        if record is not None:
            state.references[key] = record.reference
            emit(Stored(key, record.reference, made=False))
            if key in self.counted:
                emit(Reused(key.stage))
            return True
        if self.options.may_make(key):
            return not forced and self._is_quarantined(key, resolved.spec)
        self._leave(key, resolved.spec)
        return True

    def _is_quarantined(self, key: ArtifactKey, spec: ArtifactSpec) -> bool:
        why = self._resolver.quarantined(spec)
        if why is not None:
            self._note_failure(key, spec, why)
        return why is not None

    def _leave(self, key: ArtifactKey, spec: ArtifactSpec) -> None:
        """Note of an artifact that this run may not make why it is not there."""
        why = self._resolver.failure(spec)
        if why is None:
            self.state.absent.add(key)
        else:
            self.state.failed[key] = why
            self.state.recalled.add(key)
            emit(Failed(key, why))

    def _start_what_fits(self) -> None:
        if self._stopped is not None:
            return
        for group in self._groups():
            stage = stage_named(group[0].stage)
            lane = lane_of(stage.name)
            if not self.runner.has_room(lane):
                continue
            if self.guard.stops(stage, self.state):
                continue
            if self._start([self._ready.pop(key) for key in group], lane):
                # It may have taken long: what ended meanwhile comes first.
                return

    def _groups(self) -> Iterable[list[ArtifactKey]]:
        """Return what is ready, as it is sent."""
        groups = self._queue.groups(self._ready)
        workers = self.runner.workers
        return self._bundler.bundled(groups, workers) if workers else groups

    def _start(self, group: list[Resolved], lane: Lane) -> bool:
        request = self._request(group)
        refuse_vanished(self.plan.study.home, request.label)
        self.guard.before(stage_named(request.stage), group[0].planned.key)
        emit(BuildStarted(request.stage, request.label, len(group)))
        return self.runner.start(request, lane)

    def _request(self, group: list[Resolved]) -> BuildRequest:
        first, together = group[0].planned.key, group[0].planned.together
        request = BuildRequest(
            first.stage,
            self.plan.study,
            [
                RequestedArtifact.of(
                    r, self.state.references, self.full or self.options.forces(r.planned.key)
                )
                for r in group
            ],
            os.urandom(8).hex(),
            {key: why for resolved in group for key, why in resolved.failures.items()},
            self.tags,
        )
        request.bundled = together is None and len(group) > 1
        for artifact in request.artifacts:
            if artifact.force:
                # It is tried again because the user asks for it.
                self._attempts.end(artifact.spec)
        return request

    def _collect(self, ended: Ended) -> None:
        request = ended.request
        emit(BuildEnded(request.stage, request.label, len(request.artifacts)))
        for artifact in request.artifacts:
            record = self._made(request, artifact)
            if record is not None:
                self.state.references[artifact.key] = record.reference
                self.executed.append(artifact.key)
                emit(Stored(artifact.key, record.reference, made=True))
                self._notes.clear(artifact.spec)
                self._bundler.note(artifact.key.stage, record.measures.get("seconds", 0.0))
            elif isinstance(ended.error, StorageError):
                # Every further build would meet it, and a note of it would too.
                self._stopped = self._stopped or ended.error
                continue
            else:
                error = ended.error or self._lost.pop(artifact.key, None)
                self._note_failure(artifact.key, artifact.spec, sentence_for(artifact.key, error))
            self._queue.settle(artifact.key)

    def _made(self, request: BuildRequest, artifact: RequestedArtifact) -> ArtifactRecord | None:
        """Return the record of what was to be made, read from the store; None where it was not made."""
        try:
            record = self._resolver.stored(artifact.spec)
        except StoreError as error:
            # Told as the failure of this artifact; the others go on.
            self._lost[artifact.key] = error
            return None
        if record is None or (artifact.force and record.attempt != request.attempt):
            return None
        return record

    def _note_failure(self, key: ArtifactKey, spec: ArtifactSpec, sentence: str) -> None:
        self.state.failed[key] = sentence
        emit(Failed(key, sentence))
        _log.error("%s failed: %s", key, sentence)
        self._notes.note(spec, sentence)


def lane_of(stage: str) -> Lane:
    """Return what a build of ``stage`` occupies."""
    own = stage_named(stage)
    if own.asks_models:
        return "device"
    return "slides" if own.reads_slides else "flow"


def plan_reached(plan: Plan, options: RerunOptions) -> list[ArtifactKey]:
    """Return the artifacts that a run looks at."""
    return [planned.key for planned in plan if options.reaches(planned.key)]


def execute(
    plan: Plan, options: RerunOptions, submit: Submit, tags: Mapping[str, str], *, full: bool = False
) -> RunResult:
    """Run a plan and return what it came to.

    Args:
        plan: the artifacts of the study.
        options: what is forced.
        submit: runs one request where it is called.
        tags: what the recording notes of this run.
        full: hash every stored byte before it is reused.

    Raises:
        UsageError: under ``only`` an input was never made, or the options name what the study does not have.
        TooManyFailedSlidesError: more slides failed than the study tolerates.
        StorageError: the home cannot be written.
    """
    _open_home(plan)
    options.check(plan)
    statuses = plan_status(plan, options, full=full)
    refuse_missing(statuses, options)
    counted = to_make(statuses)
    per_stage = Counter(key.stage for key in counted)
    _log.info("%d artifacts planned, to make: %s", len(plan), _summary(per_stage))
    emit(RunStarted(per_stage))
    guard = Guard(plan.study, counted)
    with chosen_runner(plan.study, submit) as runner:
        known = {**tags, LOOKS: earlier_looks(plan.study)}
        result = Execution(plan, options, runner, guard, known, counted, full).run()
    if result.stopped is None:
        guard.refuse_too_many(result.state)
    return result


def _open_home(plan: Plan) -> None:
    home = plan.study.home
    refuse_unwritable(home)
    with Storing(SALT, home):
        # By it the home is known again, should another folder be in its place later.
        assert plan.study.salt
    swept = sweep(home, plan.study.store.drafts)
    if swept:
        _log.info("%d drafts of processes that have ended were deleted", len(swept))


def _summary(per_stage: Counter[str]) -> str:
    return ", ".join(f"{count} {stage}" for stage, count in per_stage.items()) or "none"

"""What a run would do with each artifact, told before it does it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions
from flows.engine.resolve import Resolved, Resolver
from tasks.artifacts.changes import Earlier
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.record import ArtifactRecord, library_versions
from tasks.artifacts.spec import ArtifactSpec
from tasks.study.errors import UsageError
from tasks.study.stage import Planned

State = Literal["done", "would run", "may run", "failed", "blocked", "stale", "untouched", "absent"]
NAMED = 8
"""At most this many missing inputs are named in a sentence."""


@dataclass(frozen=True)
class ArtifactStatus:
    """Where one artifact stands: its state, why, and library versions that differ from today's.

    ``done``: stored. ``would run``: it will be made. ``may run``: an input will be made and may give other
    bytes. ``failed``: it failed and is tried again. ``blocked``: it waits for a failed one. ``stale``: left
    as it is although an input may change. ``untouched``: not looked at. ``absent``: never made and not to be
    made.
    """

    planned: Planned
    state: State
    reasons: tuple[str, ...] = ()
    other_versions: tuple[str, ...] = ()
    spec: ArtifactSpec | None = None
    missing: tuple[ArtifactKey, ...] = ()
    tried_again: bool = False

    @property
    def is_made(self) -> bool:
        """Whether a run makes it, may make it, or tries it again."""
        return self.state in ("would run", "may run") or (self.state == "failed" and self.tried_again)

    @property
    def key(self) -> ArtifactKey:
        """Which artifact."""
        return self.planned.key


class Preview:
    """Walks a plan as a run would, without making anything. What failed is taken to fail again."""

    def __init__(self, plan: Plan, options: RerunOptions, *, full: bool = False) -> None:
        self._plan, self._options = plan, options
        self._resolver = Resolver(plan, options, full=full)
        self._state = self._resolver.state
        self._may_change: set[ArtifactKey] = set()
        self.earlier = Earlier(plan.study.store)

    def __iter__(self) -> Iterator[ArtifactStatus]:
        for planned in self._plan:
            status = self._status(planned)
            if status.state in ("would run", "may run", "stale"):
                self._may_change.add(planned.key)
            yield status

    def take(self, key: ArtifactKey, record: ArtifactRecord) -> None:
        """Make an artifact that was adopted available to those after it."""
        self._state.pending.discard(key)
        self._may_change.discard(key)
        self._state.references[key] = record.reference

    def _status(self, planned: Planned) -> ArtifactStatus:
        if not self._options.reaches(planned.key):
            return self._beyond(planned)
        resolved = self._resolver.resolve(planned)
        if resolved.blocked_by is not None:
            self._state.blocked[planned.key] = resolved.blocked_by
            return ArtifactStatus(planned, "blocked", (f"it waits for {resolved.blocked_by}, which failed",))
        if resolved.spec is None:
            return self._waiting(resolved)
        record = self._resolver.stored(resolved.spec, lately=True)
        if record is not None:
            return self._stored(resolved, record)
        return self._not_stored(resolved, resolved.spec)

    def _not_stored(self, resolved: Resolved, spec: ArtifactSpec) -> ArtifactStatus:
        planned, why = resolved.planned, self._resolver.failure(spec)
        if why is not None:
            self._state.failed[planned.key] = why
            forced = self._options.forces(planned.key)
            kept = not forced and self._resolver.quarantined(spec)
            again = self._options.may_make(planned.key) and not kept
            told = f"{why} (it is tried again)" if again else why
            return ArtifactStatus(planned, "failed", (told,), spec=spec, tried_again=again)
        if not self._options.may_make(planned.key):
            return self._absent(planned)
        self._state.pending.add(planned.key)
        return ArtifactStatus(planned, "would run", self.earlier.why(spec), spec=spec)

    def _stored(self, resolved: Resolved, record: ArtifactRecord) -> ArtifactStatus:
        planned = resolved.planned
        self._state.references[planned.key] = record.reference
        versions = tuple(
            f"{name} {record.versions.get(name, 'absent')}, now {now}"
            for name, now in library_versions().items()
            if record.versions.get(name) != now
        )
        upstream = [key for key in planned.input_keys if key in self._may_change]
        if self._options.forces(planned.key):
            return ArtifactStatus(planned, "would run", ("it is forced",), versions, resolved.spec)
        if upstream and self._options.may_make(planned.key):
            why = f"{upstream[0]} would run and may give other bytes"
            return ArtifactStatus(planned, "may run", (why,), versions, resolved.spec)
        if upstream:
            return ArtifactStatus(planned, "stale", (_left_as_is(upstream[0]),), versions, resolved.spec)
        return ArtifactStatus(planned, "done", (), versions, resolved.spec)

    def _waiting(self, resolved: Resolved) -> ArtifactStatus:
        planned = resolved.planned
        if not self._options.may_make(planned.key):
            return self._absent(planned)
        self._state.pending.add(planned.key)
        inputs = resolved.missing or resolved.pending
        others = len(inputs) - 1
        more = f" and {others} other input{'s' * (others > 1)}" if others else ""
        verb = "were never made" if resolved.missing else "would be made before it"
        spec = self._resolver.spec_so_far(resolved)
        again = not resolved.missing and self.earlier.agrees_so_far(spec)
        hope = ", perhaps with the bytes of before" if again else ""
        state: State = "may run" if again else "would run"
        return ArtifactStatus(planned, state, (f"{inputs[0]}{more} {verb}{hope}",), missing=resolved.missing)

    def _absent(self, planned: Planned) -> ArtifactStatus:
        self._state.absent.add(planned.key)
        return ArtifactStatus(planned, "absent", ("it was never made",))

    def _beyond(self, planned: Planned) -> ArtifactStatus:
        upstream = [key for key in planned.input_keys if key in self._may_change]
        if upstream:
            return ArtifactStatus(planned, "stale", (_left_as_is(upstream[0]),))
        return ArtifactStatus(planned, "untouched")


def _left_as_is(upstream: ArtifactKey) -> str:
    return f"left as it is, although {upstream} may give other bytes"


def plan_status(plan: Plan, options: RerunOptions, *, full: bool = False) -> list[ArtifactStatus]:
    """Return where every artifact stands, in the order of the plan; ``full`` hashes every stored byte."""
    return list(Preview(plan, options, full=full))


def refuse_missing(statuses: list[ArtifactStatus], options: RerunOptions) -> None:
    """Refuse to make artifacts whose inputs were never made and are not to be made.

    Raises:
        UsageError: naming those inputs.
    """
    missing = list(dict.fromkeys(key for status in statuses for key in status.missing))
    if not missing:
        return
    listed = ", ".join(map(str, missing[:NAMED]))
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    what = "1 artifact that was" if len(missing) == 1 else f"{len(missing)} artifacts that were"
    raise UsageError(
        f"--only {options.only} needs {what} never made from the present inputs: {listed}{more}; "
        "run the study without --only first"
    )


def to_make(statuses: list[ArtifactStatus]) -> frozenset[ArtifactKey]:
    """Return what a run would or may make; what failed is tried again."""
    return frozenset(s.key for s in statuses if s.is_made)

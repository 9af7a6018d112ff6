"""From a planned artifact to what the store is asked for: which inputs it has, and whether it can be made.

Both the run and ``status`` decide by :class:`Resolver`, so that one previews what the other does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions
from flows.engine.stages import stage_named
from tasks.artifacts.attempts import AttemptNotes
from tasks.artifacts.code import code_of
from tasks.artifacts.failures import FailureNotes
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.record import ArtifactRecord
from tasks.artifacts.spec import ArtifactSpec, Reference
from tasks.study.stage import InputField, InputKeys, Planned, keys_in


def tolerated(key: ArtifactKey) -> bool:
    """Say whether ``failures.max_failed_slides`` applies to the artifact."""
    return stage_named(key.stage).tolerates_failures


@dataclass
class RunState:
    """What has become of the artifacts of a plan so far.

    Attributes:
        references: what is stored.
        failed: what was tried and failed, with its reason.
        recalled: what of it failed in an earlier run and was not tried in this one.
        blocked: what waits for a failed artifact, with that one: the cause.
        absent: what was never made and is not to be made.
        pending: what would be made; only a preview holds any.
    """

    references: dict[ArtifactKey, Reference] = field(default_factory=dict)
    failed: dict[ArtifactKey, str] = field(default_factory=dict)
    recalled: set[ArtifactKey] = field(default_factory=set)
    blocked: dict[ArtifactKey, ArtifactKey] = field(default_factory=dict)
    absent: set[ArtifactKey] = field(default_factory=set)
    pending: set[ArtifactKey] = field(default_factory=set)

    @property
    def failed_slides(self) -> dict[str, str]:
        """{slide id: reason} of the slides that failed in a stage that tolerates some failures."""
        return {str(k.slide): why for k, why in self.failed.items() if tolerated(k)}

    def cause(self, key: ArtifactKey) -> ArtifactKey | None:
        """Return the artifact whose failure keeps ``key`` from being made; None where none does."""
        return key if key in self.failed else self.blocked.get(key)


@dataclass(frozen=True)
class Resolved:
    """A planned artifact whose inputs are all settled.

    Attributes:
        planned: the artifact.
        inputs: its inputs without those that failed and may be left out.
        failures: why inputs were left out, by key; where the stage tells failures, also what failed before.
        blocked_by: the failure that keeps it from being made.
        missing: inputs that were never made and are not to be made.
        pending: inputs that would be made first.
        spec: what the store is asked for; None while an input is missing.
    """

    planned: Planned
    inputs: Mapping[str, InputKeys] = field(default_factory=dict)
    failures: Mapping[ArtifactKey, str] = field(default_factory=dict)
    blocked_by: ArtifactKey | None = None
    missing: tuple[ArtifactKey, ...] = ()
    pending: tuple[ArtifactKey, ...] = ()
    spec: ArtifactSpec | None = None


class Resolver:
    """Decides about the artifacts of one study, one after the other."""

    def __init__(self, plan: Plan, options: RerunOptions, *, full: bool = False) -> None:
        self._plan, self._options, self._full = plan, options, full
        self._store, self._notes = plan.study.store, FailureNotes(plan.study.home)
        self._attempts = AttemptNotes(plan.study.home)
        self.state = RunState()

    def resolve(self, planned: Planned) -> Resolved:
        """Return ``planned`` with its inputs, as far as they are there."""
        left_out = dict(self._left_out(planned))
        inputs = dict(_remaining(planned, left_out))
        blocked_by = self._blocked_by(planned, inputs, left_out)
        wanted = [key for keys in inputs.values() for key in keys_in(keys)]
        there = self.state
        resolved = Resolved(
            planned,
            inputs,
            failures=self._told(planned, left_out),
            blocked_by=blocked_by,
            missing=tuple(key for key in wanted if key in there.absent),
            pending=tuple(key for key in wanted if key in there.pending),
        )
        if blocked_by or any(key not in there.references for key in wanted):
            return resolved
        return Resolved(planned, inputs, resolved.failures, spec=self._spec(resolved, left_out))

    def stored(self, spec: ArtifactSpec, *, use: bool = False, lately: bool = False) -> ArtifactRecord | None:
        """Return the record of a whole artifact.

        Args:
            spec: what is wanted.
            use: remember that it was wanted now.
            lately: an answer of the last minute that it is there will do.
        """
        if use:
            return self._store.use(spec, full=self._full)
        return self._store.find(spec, full=self._full, lately=lately)

    def spec_so_far(self, resolved: Resolved) -> ArtifactSpec:
        """Return what is known of an artifact of which some inputs are not there yet."""
        return self._spec(resolved, dict(self._left_out(resolved.planned)))

    def failure(self, spec: ArtifactSpec) -> str | None:
        """Return why ``spec`` failed when it was last tried."""
        return self._notes.of(spec) or self.quarantined(spec)

    def quarantined(self, spec: ArtifactSpec) -> str | None:
        """Return why ``spec`` is not tried again unless the user asks for it, or None."""
        return self._attempts.quarantined(spec)

    def _left_out(self, planned: Planned) -> Iterator[tuple[ArtifactKey, ArtifactKey]]:
        """Yield the inputs that are left out because they failed, each with the cause."""
        fields = stage_named(planned.key.stage).input_fields()
        for name, keys in planned.inputs.items():
            for key in self._may_go(planned, fields[name], keys):
                cause = self.state.cause(key)
                if cause is not None:
                    yield key, cause

    def _may_go(self, planned: Planned, declared: InputField, keys: InputKeys) -> Iterator[ArtifactKey]:
        """Yield the members of an input that may be left out after a failure."""
        if declared.tolerance == "none":
            return
        if isinstance(keys, ArtifactKey) or declared.along is None:
            yield from keys_in(keys)
            return
        leaders: Any = planned.inputs[declared.along]
        yield from (key for name, key in keys.items() if self.state.cause(leaders[name]) is not None)

    def _blocked_by(
        self,
        planned: Planned,
        inputs: Mapping[str, InputKeys],
        left_out: Mapping[ArtifactKey, ArtifactKey],
    ) -> ArtifactKey | None:
        """Return the failure without whose artifact ``planned`` cannot be made."""
        fields = stage_named(planned.key.stage).input_fields()
        for name, keys in planned.inputs.items():
            needed = keys_in(inputs[name]) if name in inputs else ()
            causes = [cause for key in needed if (cause := self.state.cause(key)) is not None]
            if fields[name].tolerance == "some" and name not in inputs:
                causes += [left_out[key] for key in keys_in(keys) if key in left_out]
            if causes:
                return causes[0]
        return None

    def _spec(self, resolved: Resolved, left_out: Mapping[ArtifactKey, ArtifactKey]) -> ArtifactSpec:
        planned, stage = resolved.planned, stage_named(resolved.planned.key.stage)
        return ArtifactSpec(
            stage=stage.name,
            label=planned.key.label,
            kind=stage.makes.kind(),
            recipe={**planned.recipe, **self._failures(stage.tells_failures, resolved, left_out)},
            inputs={**dict(self._named(resolved.inputs)), **planned.files},
            code=code_of(planned.modules),
            seed=planned.seed,
        )

    def _told(self, planned: Planned, left_out: Mapping[ArtifactKey, ArtifactKey]) -> dict[ArtifactKey, str]:
        """Return why each left out input is not there, and what failed of all that ``planned`` rests on."""
        failed = self.state.failed
        told = {key: failed[cause] for key, cause in left_out.items()}
        if failed and stage_named(planned.key.stage).tells_failures:
            told |= {key: failed[key] for key in self._plan.upstream(planned.key) if key in failed}
        return told

    def _failures(
        self, told: bool, resolved: Resolved, left_out: Mapping[ArtifactKey, ArtifactKey]
    ) -> dict[str, Any]:
        """Return what of the recipe names failures: with their reasons where the payload tells them."""
        if told:
            failures = {key.label: why for key, why in resolved.failures.items() if key in self.state.failed}
            return {"failed": failures}
        return {"left_out": sorted(key.label for key in left_out)} if left_out else {}

    def _named(self, inputs: Mapping[str, InputKeys]) -> Iterator[tuple[str, Reference]]:
        """Yield the references of the inputs that are there, by their names in the spec."""
        references = self.state.references
        for name, keys in inputs.items():
            if isinstance(keys, ArtifactKey):
                members = {name: keys}
            else:
                members = {f"{name}/{member}": key for member, key in keys.items()}
            yield from ((full, references[key]) for full, key in members.items() if key in references)


def _remaining(
    planned: Planned, left_out: Mapping[ArtifactKey, ArtifactKey]
) -> Iterator[tuple[str, InputKeys]]:
    """Yield the inputs of which anything remains."""
    for name, keys in planned.inputs.items():
        remaining = _without(keys, left_out)
        if remaining is not None:
            yield name, remaining


def _without(keys: InputKeys, left_out: Mapping[ArtifactKey, ArtifactKey]) -> InputKeys | None:
    """Return the input without what is left out; None where nothing of it remains."""
    if isinstance(keys, ArtifactKey):
        return None if keys in left_out else keys
    remaining = {name: key for name, key in keys.items() if key not in left_out}
    return remaining if remaining or not keys else None

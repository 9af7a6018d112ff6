"""Plan: the one list of every artifact of a study, in an order in which each comes after its inputs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property

from flows.engine.stages import all_stages, stage_named
from tasks.artifacts.key import ArtifactKey
from tasks.study.stage import InputField, InputKeys, Planned, Stage, keys_in
from tasks.study.study import Study


class PlanError(TypeError):
    """A stage plans something invalid: a mistake of its author."""


class Plan:
    """Every artifact that a study calls for. ``run``, ``status``, ``validate`` and ``adopt`` all read it."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._planned: dict[ArtifactKey, Planned] = {}
        for stage in all_stages():
            for planned in stage.plan(study):
                self._add(stage, planned)

    def __iter__(self) -> Iterator[Planned]:
        return iter(self._planned.values())

    def __len__(self) -> int:
        return len(self._planned)

    def __getitem__(self, key: ArtifactKey) -> Planned:
        return self._planned[key]

    def of(self, stage: str) -> list[Planned]:
        """Return the artifacts of one stage."""
        return self._by_stage.get(stage, [])

    @cached_property
    def _by_stage(self) -> Mapping[str, list[Planned]]:
        by_stage: dict[str, list[Planned]] = defaultdict(list)
        for planned in self:
            by_stage[planned.key.stage].append(planned)
        return by_stage

    @cached_property
    def users(self) -> Mapping[ArtifactKey, list[ArtifactKey]]:
        """The artifacts that are made from each artifact."""
        users: dict[ArtifactKey, list[ArtifactKey]] = defaultdict(list)
        for planned in self:
            for key in planned.input_keys:
                users[key].append(planned.key)
        return users

    def upstream(self, key: ArtifactKey) -> list[ArtifactKey]:
        """Return all that ``key`` rests on, directly or through others, in the order of the plan."""
        found: set[ArtifactKey] = set()
        waiting = [key]
        while waiting:
            new = set(self[waiting.pop()].input_keys) - found
            found |= new
            waiting += new
        return [planned.key for planned in self if planned.key in found]

    def _add(self, stage: Stage[object], planned: Planned) -> None:
        if planned.key.stage != stage.name:
            raise PlanError(f"stage {stage.name} plans {planned.key}")
        if planned.key in self._planned:
            raise PlanError(f"{planned.key} is planned twice")
        declared = stage.input_fields()
        for name, keys in planned.inputs.items():
            if name not in declared:
                raise PlanError(
                    f"{planned.key} is given the input {name!r}, which {stage.name} does not declare"
                )
            self._check_input(planned, name, keys, declared[name])
        forgotten = [n for n, item in declared.items() if n not in planned.inputs and not item.may_be_none]
        if forgotten:
            raise PlanError(f"{planned.key} is not given its input {forgotten[0]!r}")
        self._planned[planned.key] = planned

    def _check_input(self, planned: Planned, name: str, keys: InputKeys, declared: InputField) -> None:
        if isinstance(keys, ArtifactKey) == declared.many:
            wanted = "artifacts by name" if declared.many else "one artifact"
            raise PlanError(f"{planned.key} must be given {wanted} as {name}")
        for key in keys_in(keys):
            if key not in self._planned:
                raise PlanError(f"{planned.key} is made from {key}, which no stage before it plans")
            if stage_named(key.stage).makes is not declared.view:
                raise PlanError(f"{planned.key} takes {key} for a {declared.view.__name__}")

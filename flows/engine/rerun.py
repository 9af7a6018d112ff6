"""What the user asks for beyond plain resuming: which stage is forced, and which of its artifacts."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from flows.engine.plan import Plan
from flows.engine.stages import ancestors, stages_of
from tasks.artifacts.key import ArtifactKey
from tasks.study.errors import UsageError
from tasks.study.stage import Planned


@dataclass(frozen=True)
class Selection:
    """Which artifacts of a forced stage are made again; an empty field selects every value."""

    arm: tuple[str, ...] = ()
    seed: tuple[int, ...] = ()
    slide: tuple[str, ...] = ()
    explainer: tuple[str, ...] = ()
    metric: tuple[str, ...] = ()
    fold: tuple[int, ...] = ()

    @property
    def wanted(self) -> dict[str, tuple[str | int, ...]]:
        """The values of each selector that is given."""
        return {name: values for name, values in vars(self).items() if values}

    def takes(self, key: ArtifactKey) -> bool:
        """Say whether ``key`` has every coordinate that is selected, with a selected value."""
        has = key.coordinates
        return all(has.get(name) in values for name, values in self.wanted.items())


@dataclass(frozen=True)
class RerunOptions:
    """What a run makes again although it is stored.

    Attributes:
        only: a stage or group that is made again on stored inputs, while the rest is left as it is.
        from_stage: a stage or group that is made again, before the run goes on to the end.
        selection: which artifacts of it.
    """

    only: str | None = None
    from_stage: str | None = None
    selection: Selection = field(default_factory=Selection)

    def __post_init__(self) -> None:
        if self.only is not None and self.from_stage is not None:
            raise UsageError("--only and --from exclude each other; give one of them")
        if self.selection.wanted and self.word is None:
            raise UsageError(
                "--arm, --fold, --seed, --slide, --explainer and --metric narrow --only or --from; give one"
            )
        if self.word is not None:
            stages_of(self.word)

    @property
    def word(self) -> str | None:
        """The stage or group that is forced."""
        return self.from_stage if self.only is None else self.only

    @property
    def forced_stages(self) -> tuple[str, ...]:
        """The names of the stages that are forced."""
        return tuple(stage.name for stage in stages_of(self.word)) if self.word is not None else ()

    def forces(self, key: ArtifactKey) -> bool:
        """Say whether the artifact is made again although it is stored."""
        return key.stage in self.forced_stages and self.selection.takes(key)

    def may_make(self, key: ArtifactKey) -> bool:
        """Say whether the artifact may be made at all."""
        return self.only is None or self.forces(key)

    def reaches(self, key: ArtifactKey) -> bool:
        """Say whether the artifact is looked at: under ``only`` the forced stages and all before them."""
        if self.only is None:
            return True
        stages = self.forced_stages
        return key.stage in stages or any(key.stage in ancestors(stage) for stage in stages)

    def check(self, plan: Plan) -> None:
        """Refuse selectors that the forced stages do not have, and values that the study does not have.

        Raises:
            UsageError: naming the nearest value.
        """
        stages = self.forced_stages
        if not stages:
            return
        forced = [planned for name in stages for planned in plan.of(name)]
        if not forced:
            raise UsageError(f"the study plans no artifact of {self.word}")
        for name, values in self.selection.wanted.items():
            _check_selector(str(self.word), name, values, plan, forced)
        if not any(self.selection.takes(planned.key) for planned in forced):
            raise UsageError(f"no artifact of {self.word} has all the selected values at once")


def _check_selector(
    word: str, name: str, values: Iterable[str | int], plan: Plan, forced: Iterable[Planned]
) -> None:
    there = _values(name, plan)
    for value in values:
        if value not in there:
            raise UsageError(_unknown(name, value, there))
    if not _values(name, forced):
        known = dict.fromkeys(c for planned in forced for c in planned.key.coordinates)
        which = f"only by {', '.join(f'--{c}' for c in known)}" if known else "by no selector"
        raise UsageError(f"--{name} does not narrow {word}, which can be narrowed {which}")


def _values(name: str, planned: Iterable[Planned]) -> list[str | int]:
    return list(dict.fromkeys(p.key.coordinates[name] for p in planned if name in p.key.coordinates))


def _unknown(name: str, value: str | int, there: list[str | int]) -> str:
    if not there:
        return f"no {name} {value}; the study has no {name}s"
    near = difflib.get_close_matches(str(value), [str(item) for item in there], n=1, cutoff=0.5)
    hint = f" (did you mean {near[0]!r}?)" if near and isinstance(value, str) else ""
    return f"no {name} {value}{hint}; the {name}s are {', '.join(map(str, there))}"

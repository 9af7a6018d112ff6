"""The stages there are: found in ``tasks/``, ordered by what they are made from."""

import difflib
import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from graphlib import TopologicalSorter
from typing import Any

import tasks
from tasks.study.errors import UsageError
from tasks.study.stage import Stage

AnyStage = Stage[Any]
GROUP = "-group"
"""The suffix of group words, because some stages have the same name."""


@cache
def all_stages() -> tuple[AnyStage, ...]:
    """Return one instance of each stage in the order of a run: group after group, inputs first."""
    stages = {stage.name: stage for stage in _found()}
    before = _dependencies(stages.values())
    groups: dict[str, set[str]] = {stage.group: set() for stage in stages.values()}
    for stage in stages.values():
        groups[stage.group] |= {stages[name].group for name in before[stage.name]} - {stage.group}
    ordered = []
    for group in _in_order(groups):
        own = {name for name, stage in stages.items() if stage.group == group}
        ordered += _in_order({name: before[name] & own for name in own})
    return tuple(stages[name] for name in ordered)


@cache
def stage_named(name: str) -> AnyStage:
    """Return the stage ``name``, which exists."""
    return next(stage for stage in all_stages() if stage.name == name)


@cache
def ancestors(name: str) -> frozenset[str]:
    """Return the names of the stages that ``name`` rests on, directly or through others."""
    before = _dependencies(all_stages())
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = before[waiting.pop()] - found
        found |= new
        waiting += new
    return frozenset(found)


@cache
def words() -> tuple[str, ...]:
    """Return every word for --only and --from: the stages, then the groups of several stages."""
    stages = all_stages()
    groups = dict.fromkeys(stage.group for stage in stages)
    return (
        *(stage.name for stage in stages),
        *(f"{group}{GROUP}" for group in groups if sum(s.group == group for s in stages) > 1),
    )


def stages_of(word: str) -> tuple[AnyStage, ...]:
    """Return the stages that ``word`` stands for.

    Raises:
        UsageError: there is no such word; the sentence names the nearest and all that exist.
    """
    if word not in words():
        near = difflib.get_close_matches(word, words(), n=1, cutoff=0.5)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise UsageError(f"no stage {word!r}{hint}; the stages are: {', '.join(words())}")
    if not word.endswith(GROUP):
        return (stage_named(word),)
    return tuple(stage for stage in all_stages() if stage.group == word.removesuffix(GROUP))


def _found() -> Iterator[AnyStage]:
    """Yield the stages that the files in ``tasks/`` define."""
    for module in pkgutil.iter_modules(tasks.__path__):
        if not module.ispkg:
            loaded = importlib.import_module(f"tasks.{module.name}")
            for item in vars(loaded).values():
                if isinstance(item, type) and issubclass(item, Stage) and item.__module__ == loaded.__name__:
                    yield item()


def _dependencies(stages: Iterable[AnyStage]) -> dict[str, set[str]]:
    """Return the stages that make an input of each stage: a stage's inputs are typed by what others make."""
    stages = tuple(stages)
    makers: dict[type, set[str]] = {}
    for stage in stages:
        makers.setdefault(stage.makes, set()).add(stage.name)
    return {
        stage.name: {name for item in stage.input_fields().values() for name in makers[item.view]}
        for stage in stages
    }


def _in_order(before: Mapping[str, set[str]]) -> list[str]:
    """Return the names so that each comes after those before it; among equals by the alphabet."""
    sorter = TopologicalSorter(before)
    sorter.prepare()
    ordered = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        ordered += ready
        sorter.done(*ready)
    return ordered

"""What each stage will cost: artifacts, bytes, memory and hours, each with what it rests on."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from flows.engine.stages import all_stages, stage_named
from flows.engine.status import ArtifactStatus
from flows.estimate.memory import memory_of
from flows.estimate.other_studies import measured_elsewhere
from flows.estimate.rates import MeasuredCost, Rates
from flows.estimate.sizes import computed_size
from flows.estimate.units import UnitCounter
from tasks.study.errors import UsageError
from tasks.study.study import Study
from tasks.tiling.recipe import TilingRecipe
from tasks.train import TrainSection

_NAMED = 3
"""So many of the largest stages are named where a study does not fit."""


class StageCost(NamedTuple):
    """The cost of what is still to be made of one stage.

    Attributes:
        stage: its name.
        artifacts: how many are to be made.
        size: their bytes on disk.
        basis: what ``size`` rests on: ``measured``, ``computed`` or ``guess``.
        memory: bytes of memory; None where it is not known.
        hours: wall-clock hours; None where nothing like it was measured in this home.
    """

    stage: str
    artifacts: int
    size: float
    basis: str
    memory: float | None
    hours: float | None


def stage_costs(
    study: Study, statuses: Sequence[ArtifactStatus], units: UnitCounter, largest_um2: float
) -> list[StageCost]:
    """Return the cost of each stage of which something is to be made."""
    own = list(_stored(study, statuses, units))
    missing = {status.key.stage for status in statuses if status.is_made} - Rates(own).stages
    rates = Rates([*own, *measured_elsewhere(study.store, missing)])
    costs = []
    for stage in all_stages():
        made = [status for status in statuses if status.key.stage == stage.name and status.is_made]
        if made:
            costs.append(_cost(study, made, units, rates, largest_um2))
    return costs


def _cost(
    study: Study, made: Sequence[ArtifactStatus], units: UnitCounter, rates: Rates, largest_um2: float
) -> StageCost:
    stage, size, bases = made[0].key.stage, 0.0, set()
    seconds: float | None = 0.0
    for status in made:
        tiles, rate = units.of(status.planned), rates.of(status.key)
        if rate is None:
            seconds = None
        elif seconds is not None:
            seconds += rate.seconds_of(_work(study, stage, tiles))
        measured = None if rate is None else rate.size_of(tiles)
        own, guessed = computed_size(study, status.key, tiles)
        size += own if measured is None else measured
        bases.add("measured" if measured is not None else "guess" if guessed else "computed")
    side_by_side = _at_once(study, stage)
    return StageCost(
        stage,
        len(made),
        size,
        " and ".join(sorted(bases)),
        memory_of(study, stage, largest_um2, max(units.tiles.values(), default=0)),
        None if seconds is None else seconds / 3600 / min(side_by_side, len(made)),
    )


def _at_once(study: Study, stage: str) -> int:
    """Return how many builds of a stage run at the same time."""
    if study.config.resources.runner == "inline":
        return 1
    kind = stage_named(stage)
    if study.config.resources.runner == "dask":
        # How many workers an existing cluster has is not known before the run.
        return study.config.resources.joined.workers or 1
    if kind.reads_slides:
        return study.config.resources.workers
    return len(study.device_slots) if kind.asks_models else 1


def _work(study: Study, stage: str, tiles: int) -> float:
    """Return what the time of an artifact grows with."""
    epochs = study.section(TrainSection).recipe.epochs if stage == "train" else 1
    return float(tiles) * study.section(TilingRecipe).tile_px ** 2 * epochs


def _stored(study: Study, statuses: Iterable[ArtifactStatus], units: UnitCounter) -> Iterable[MeasuredCost]:
    """Yield what of this study is stored."""
    for status in statuses:
        if status.state == "done" and status.spec is not None:
            record = study.store.find(status.spec, lately=True)
            if record is not None:
                tiles = units.of(status.planned)
                size = sum(file.size for file in record.files)
                seconds = record.measures.get("seconds", 0.0)
                yield MeasuredCost(status.key, seconds, _work(study, status.key.stage, tiles), tiles, size)


def free_bytes(home: Path) -> int:
    """Return the free bytes of the disk that a home is or will be on."""
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    return shutil.disk_usage(there).free


def refuse_too_large(costs: Sequence[StageCost], free: int, tiles: Mapping[str, int]) -> None:
    """Refuse a study that does not fit on the disk of its home.

    Args:
        costs: of all stages.
        free: free bytes of that disk.
        tiles: tiles by slide, for the sentence.

    Raises:
        UsageError: with the largest stages and the ways on.
    """
    needed = sum(cost.size for cost in costs)
    if needed <= free:
        return
    largest = sorted(costs, key=lambda cost: -cost.size)[:_NAMED]
    named = ", ".join(f"{cost.stage} {in_bytes(cost.size)} ({cost.basis})" for cost in largest)
    raise UsageError(
        f"the study needs about {in_bytes(needed)} for {sum(tiles.values()):,} tiles and the disk of its "
        f"home has {in_bytes(free)} free; the largest are: {named}. Explain fewer tiles "
        "(explain.tiles_per_slide), with fewer explainers or seeds, or put the home on a larger disk (--home)"
    )


def in_bytes(size: float) -> str:
    """Return a number of bytes in the unit in which it is read best.

    Example:
        >>> in_bytes(512), in_bytes(3.07e9), in_bytes(4.7e12)
        ('512 B', '3.1 GB', '4.7 TB')
    """
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size:.0f} B"

"""Verb: train one arm with one seed, in a study with folds on one fold."""

import logging
from collections.abc import Mapping
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.artifacts.part import Order, Reference
from tasks.artifacts.store import Store
from tasks.artifacts.tile_set import TileSet
from tasks.training.job import TrainingJob
from tasks.training.processes import train_in_processes
from tasks.training.recipe import ArmRecipe, TrainingRecipe
from tasks.training.train import train_classifier
from tasks.training_step.rank import Rank

_log = logging.getLogger("veritile.train")


@task(name="train", task_run_name="{order.part.label}", cache_policy=NO_CACHE, persist_result=False)
def train(
    order: Order,
    arm: ArmRecipe,
    recipe: TrainingRecipe,
    device: str,
    shared: frozenset[str],
    processes: int = 1,
) -> Reference:
    """Return the reference of the Checkpoint; training resumes after its last finished epoch."""
    store = Store(order.home)
    tile_sets = tuple(TileSet(store.path(reference)) for reference in order.inputs.values())
    roles = order.part.recipe.get("roles")
    seed, rank = order.part.seed or 0, Rank(0, processes)
    job = TrainingJob(tile_sets, arm.applied_to(recipe), arm, seed, device, shared, roles, rank)

    def log(metrics: Mapping[str, float], epoch: int) -> None:
        figures = ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())
        _log.debug("%s epoch %d: %s", order.part.label, epoch, figures)

    def write(out: Path) -> dict[str, float]:
        run = train_classifier if processes == 1 else train_in_processes
        return run(job, out, store.work(order.part), log, order.advance)

    return store.reuse_or_build(order.part, write, force=order.force)

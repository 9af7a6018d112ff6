"""A training in progress: network, optimiser, regularizers and the history of finished epochs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from tasks.functional.noise import seed_of
from tasks.training.base_job import AnyJob, Model
from tasks.training.costs import TrainingCosts
from tasks.training.errors import DivergedError
from tasks.training.objective import Arm
from tasks.training.optimise import make_optimizer
from tasks.training.order import class_weights
from tasks.training.resume import (
    Snapshot,
    load_snapshot,
    optimizer_tensors,
    plain,
    restore_optimizer,
    save_snapshot,
)
from tasks.training.unfinished import UnfinishedEpoch

Row = Mapping[str, float]
"""The figures of one epoch."""


@dataclass
class TrainingRun:
    """All that changes from epoch to epoch.

    Of the best epoch so far ``best`` holds the weights and ``best_states`` what the regularizers remembered,
    as ``label/name``. ``costs`` are those of all that was saved, earlier calls included. ``unfinished`` is
    the part of the next epoch that an earlier call has saved.
    """

    job: AnyJob
    model: Model
    optimizer: torch.optim.Optimizer
    arm: Arm
    class_weights: Tensor
    history: list[Row] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    best_states: dict[str, Tensor] = field(default_factory=dict)
    costs: TrainingCosts = field(default_factory=TrainingCosts)
    unfinished: UnfinishedEpoch | None = None

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return torch.device(self.job.device)

    @property
    def best_epoch(self) -> int:
        """The epoch, counted from 1, that the recipe's rule chooses among the finished ones."""
        return choose_epoch(self.history, self.job.recipe.choose)

    def note(self, row: Row) -> None:
        """Append the row of an epoch to the history, and keep the current weights if it is the best.

        Raises:
            DivergedError: a figure is NaN.
        """
        for name, value in row.items():
            if math.isnan(value):
                raise DivergedError(len(self.history) + 1, name, value)
        self.history.append(row)
        if self.best_epoch == len(self.history):
            self.best = {name: plain(value) for name, value in self.model.state_dict().items()}
            self.best_states = {
                f"{label}/{name}": plain(value)
                for label, state in zip(self.arm.labels, self.arm.states, strict=True)
                for name, value in state.items()
            }

    def save(self, work: Path, unfinished: UnfinishedEpoch | None = None) -> None:
        """Save all that the next epoch needs in ``work``, or the rest of this one."""
        save_snapshot(work, self.job.identity, self._snapshot(unfinished))

    def _snapshot(self, unfinished: UnfinishedEpoch | None) -> Snapshot:
        parts = {
            "model": self.model.state_dict(),
            "best": self.best,
            "best_states": self.best_states,
            "optimizer": optimizer_tensors(self.optimizer, self.model),
            **{f"regularizer/{i}": dict(state) for i, state in enumerate(self.arm.states)},
            "epoch": {} if unfinished is None else unfinished.tensors,
        }
        tensors = {f"{part}/{name}": value for part, named in parts.items() for name, value in named.items()}
        return Snapshot(tensors=tensors, history=tuple(self.history), costs=self.costs)


def begin(job: AnyJob, work: Path) -> TrainingRun:
    """Return a new run, or the one saved in ``work``.

    Raises:
        TrainingDataError: the recipe asks for bfloat16 where it cannot be trusted.
        ModelError: the network cannot be made, or a foreign one does not answer as it must.
    """
    model = job.new_model()
    weights = class_weights(job.train.labels, job.recipe.class_balance).to(torch.device(job.device))
    run = TrainingRun(job, model, make_optimizer(model, job.recipe), _arm(job), weights)
    snapshot = load_snapshot(work, job.identity)
    if snapshot is not None:
        _restore(run, snapshot)
    return run


def choose_epoch(history: list[Row], rule: str) -> int:
    """Return the epoch (from 1) with the best ``rule``; ties go to the lower ``val_loss``."""
    sign = -1 if rule == "val_loss" else 1
    ranked = range(len(history))
    return 1 + max(ranked, key=lambda i: (sign * history[i][rule], -history[i]["val_loss"], -i))


def regularizer_streams(job: AnyJob, epoch: int) -> list[torch.Generator]:
    """Return a generator on the job's device for each regularizer, fresh in every epoch."""
    return [
        torch.Generator(job.device).manual_seed(seed_of(job.seed, "regularizer", index, item.name, epoch))
        for index, item in enumerate(job.arm.regularizers)
    ]


def _arm(job: AnyJob) -> Arm:
    count = len(job.arm.regularizers)
    return Arm(job.arm.regularizers, regularizer_streams(job, 0), [{} for _ in range(count)])


def _restore(run: TrainingRun, snapshot: Snapshot) -> None:
    run.model.load_state_dict(snapshot.tensors_of("model"))
    run.best, run.best_states = snapshot.tensors_of("best"), snapshot.tensors_of("best_states")
    run.history, run.costs = list(snapshot.history), snapshot.costs
    restore_optimizer(run.optimizer, run.model, snapshot.tensors_of("optimizer"))
    run.unfinished = UnfinishedEpoch.of(snapshot.tensors_of("epoch"))
    for index in range(len(run.arm.states)):
        tensors = snapshot.tensors_of(f"regularizer/{index}")
        run.arm.states[index] = {name: value.to(run.device) for name, value in tensors.items()}

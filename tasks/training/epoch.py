"""One pass over the training tiles.

Several processes may hold a part of each batch. Their gradients are averaged here, once per step and in one
piece. ``DistributedDataParallel`` averages during the backward pass and supports neither several forward
passes per step nor double backward passes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

import torch
from torch import Tensor

from tasks.functional.noise import seed_of
from tasks.training.epoch_sums import EpochSums, add_up
from tasks.training.objective import objective
from tasks.training.optimise import learning_rate, set_learning_rate
from tasks.training.run import TrainingRun, regularizer_streams
from tasks.training.unfinished import restore_globals
from tasks.training_step.batchnorm import over_whole_batch
from tasks.training_step.step import Batch, Step

Advance = Callable[[int], None]

AfterStep = Callable[[EpochSums], None]
"""Called after every step but the last of an epoch, with the sums so far."""


def train_epoch(
    run: TrainingRun, epoch: int, advance: Advance, after_step: AfterStep = lambda sums: None
) -> dict[str, float]:
    """Train epoch ``epoch`` (from 1) and return its row of the history.

    Where the run was saved within this epoch, its first steps are not made again.

    Raises:
        DivergedError: the loss is not finite.
        CollapsedError: the weight gradient is not finite, or zero in every step.
    """
    job, sums = run.job, EpochSums(epoch, run.job.rank)
    run.model.train()
    run.arm.generators = regularizer_streams(job, epoch)
    with _seeded_globals(run, epoch), over_whole_batch(run.model, job.rank):
        _go_on(run, sums)
        batches = job.batches(epoch, sums.steps)
        while sums.steps < job.steps_per_epoch:
            number = (epoch - 1) * job.steps_per_epoch + sums.steps
            _train_step(run, islice(batches, job.recipe.accumulate), number, sums)
            advance(job.step_size)
            if sums.steps < job.steps_per_epoch:
                after_step(sums)
    return sums.row(run.optimizer.param_groups[0]["lr"])


def _go_on(run: TrainingRun, sums: EpochSums) -> None:
    """Put back what the steps of this epoch left that were made before the run was stopped."""
    before, run.unfinished = run.unfinished, None
    if before is None:
        return
    sums.restore(before.steps, before.sums)
    for generator, state in zip(run.arm.generators, before.streams, strict=True):
        generator.set_state(state)
    restore_globals(before.globals, run.device, run.job.rank)


def _train_step(run: TrainingRun, batches: Iterator[Batch], number: int, sums: EpochSums) -> None:
    """Make optimiser step ``number`` (from 0) on the mean gradient of ``batches`` and add it to ``sums``."""
    job = run.job
    steps = job.steps_per_epoch * job.recipe.epochs
    losses: dict[str, Tensor] = {}
    notes: dict[str, Tensor] = {}
    run.optimizer.zero_grad()
    for batch in batches:
        step = Step(
            model=run.model,
            batch=batch,
            epoch=sums.epoch,
            progress=number / steps,
            amp=job.recipe.amp,
            cached=run.arm.cached,
            rank=job.rank,
        )
        add_up(losses, _add_gradient(run, step))
        add_up(notes, {name: note / job.recipe.accumulate for name, note in step.notes.items()})
    sums.add(losses, notes, _settle_gradients(run))
    set_learning_rate(run.optimizer, learning_rate(job.recipe, number, steps))
    run.optimizer.step()


def _add_gradient(run: TrainingRun, step: Step) -> dict[str, Tensor]:
    """Add a batch to the gradients of its optimiser step, and return its part of the loss by terms."""
    loss, parts = objective(step, run.arm, run.class_weights)
    count = run.job.recipe.accumulate
    # Naming the parameters avoids a gradient with respect to the input, which may be a leaf.
    torch.autograd.backward(loss / count, inputs=list(run.model.parameters()))
    return {name: part / count for name, part in parts.items()}


def _settle_gradients(run: TrainingRun) -> Tensor:
    """Average the gradients over the processes and return their norm."""
    gradients = [p.grad for p in run.model.parameters() if p.grad is not None]
    if run.job.rank.count > 1:
        flat = run.job.rank.mean(torch.cat([gradient.flatten() for gradient in gradients]))
        parts = torch.split(flat, [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view(gradient.shape))
    return torch.nn.utils.get_total_norm(gradients)


@contextmanager
def _seeded_globals(run: TrainingRun, epoch: int) -> Iterator[None]:
    """Seed the global generators for a network whose dropout uses them, and restore them after.

    Each process has its own seed, so a network with dropout trains differently in several processes.
    """
    if not run.job.draws_globally:
        yield
        return
    devices = [run.device] if run.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        rank = run.job.rank.number
        torch.random.manual_seed(seed_of(run.job.seed, "dropout", epoch, *[rank] * (rank > 0)))
        yield

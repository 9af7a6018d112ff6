"""One pass over the training tiles."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice

import torch
from torch import Tensor

from tasks.functional.noise import seed_of
from tasks.regularizers._step import Batch, Step
from tasks.training.batches import epoch_batches
from tasks.training.objective import objective
from tasks.training.optimise import learning_rate, set_learning_rate
from tasks.training.session import Session, regularizer_streams
from tasks.training.tally import Tally

Advance = Callable[[int], None]


def train_epoch(session: Session, epoch: int, advance: Advance) -> dict[str, float]:
    """Train epoch ``epoch`` (from 1) and return its mean losses, what methods noted, and so on.

    Raises:
        DivergedError: the loss is not finite.
        CollapsedError: the weight gradient is not finite, or zero in every step.
    """
    job, tally = session.job, Tally(epoch)
    session.model.train()
    session.arm.generators = regularizer_streams(job, epoch)
    with _seeded_globals(session, epoch):
        batches = epoch_batches(session, epoch)
        for number in range((epoch - 1) * job.steps_per_epoch, epoch * job.steps_per_epoch):
            _train_step(session, islice(batches, job.recipe.accumulate), number, tally)
            advance(job.step_size)
    return tally.row(session.optimizer.param_groups[0]["lr"])


def _train_step(session: Session, batches: Iterator[Batch], number: int, tally: Tally) -> None:
    """Make optimiser step ``number`` (from 0) on the mean gradient of ``batches``; put it into ``tally``."""
    job = session.job
    steps = job.steps_per_epoch * job.recipe.epochs
    losses: dict[str, Tensor] = {}
    notes: dict[str, Tensor] = {}
    session.optimizer.zero_grad()
    for batch in batches:
        step = Step(
            model=session.model,
            batch=batch,
            epoch=tally.epoch,
            progress=number / steps,
            amp=job.recipe.amp,
            shares=session.arm.shares,
        )
        _add(losses, _add_gradient(session, step))
        _add(notes, {name: note / job.recipe.accumulate for name, note in step.notes.items()})
    tally.add(losses, notes, _gradient_norm(session))
    set_learning_rate(session.optimizer, learning_rate(job.recipe, number, steps))
    session.optimizer.step()


def _add_gradient(session: Session, step: Step) -> dict[str, Tensor]:
    """Add a batch's share to the gradients of its optimiser step; return its share of the loss, by parts."""
    loss, parts = objective(step, session.arm, session.class_weights)
    count = session.job.recipe.accumulate
    # Naming the parameters spares the gradient by the input, where a regularizer made that a leaf.
    torch.autograd.backward(loss / count, inputs=list(session.model.parameters()))
    return {name: part / count for name, part in parts.items()}


def _add(sums: dict[str, Tensor], figures: Mapping[str, Tensor]) -> None:
    for name, figure in figures.items():
        sums[name] = sums[name] + figure if name in sums else figure


def _gradient_norm(session: Session) -> Tensor:
    gradients = [p.grad for p in session.model.parameters() if p.grad is not None]
    return torch.nn.utils.get_total_norm(gradients)


@contextmanager
def _seeded_globals(session: Session, epoch: int) -> Iterator[None]:
    """Seed the global generators for a foreign network, whose dropout draws from them; then put them back."""
    if session.job.recipe.network.module is None:
        yield
        return
    devices = [session.device] if session.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.random.manual_seed(seed_of(session.job.seed, "dropout", epoch))
        yield

"""One pass over the training tiles.

Several processes may hold a part of each batch. Their gradients are averaged here, once a step and in one
piece: ``DistributedDataParallel`` averages while a backward pass runs, and knows neither several forward
passes a step nor gradients of gradients.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

import torch
from torch import Tensor

from tasks.functional.noise import seed_of
from tasks.training.batches import epoch_batches
from tasks.training.objective import objective
from tasks.training.optimise import learning_rate, set_learning_rate
from tasks.training.session import Session, regularizer_streams
from tasks.training.tally import Tally, add_up
from tasks.training_step.batchnorm import over_whole_batch
from tasks.training_step.step import Batch, Step

Advance = Callable[[int], None]


def train_epoch(session: Session, epoch: int, advance: Advance) -> dict[str, float]:
    """Train epoch ``epoch`` (from 1) and return its mean losses, what methods noted, and so on.

    Raises:
        DivergedError: the loss is not finite.
        CollapsedError: the weight gradient is not finite, or zero in every step.
    """
    job, tally = session.job, Tally(epoch, session.job.share)
    session.model.train()
    session.arm.generators = regularizer_streams(job, epoch)
    with _seeded_globals(session, epoch), over_whole_batch(session.model, job.share):
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
            share=job.share,
        )
        add_up(losses, _add_gradient(session, step))
        add_up(notes, {name: note / job.recipe.accumulate for name, note in step.notes.items()})
    tally.add(losses, notes, _settle_gradients(session))
    set_learning_rate(session.optimizer, learning_rate(job.recipe, number, steps))
    session.optimizer.step()


def _add_gradient(session: Session, step: Step) -> dict[str, Tensor]:
    """Add a batch's share to the gradients of its optimiser step; return its share of the loss, by parts."""
    loss, parts = objective(step, session.arm, session.class_weights)
    count = session.job.recipe.accumulate
    # Naming the parameters spares the gradient by the input, where a regularizer made that a leaf.
    torch.autograd.backward(loss / count, inputs=list(session.model.parameters()))
    return {name: part / count for name, part in parts.items()}


def _settle_gradients(session: Session) -> Tensor:
    """Average the gradients over the processes and return their norm."""
    gradients = [p.grad for p in session.model.parameters() if p.grad is not None]
    if session.job.share.count > 1:
        flat = session.job.share.mean(torch.cat([gradient.flatten() for gradient in gradients]))
        parts = torch.split(flat, [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view(gradient.shape))
    return torch.nn.utils.get_total_norm(gradients)


@contextmanager
def _seeded_globals(session: Session, epoch: int) -> Iterator[None]:
    """Seed the global generators for a foreign network, whose dropout draws from them; then put them back.

    Of several processes each draws its own, so that a network with dropout trains otherwise than in one.
    """
    if session.job.recipe.network.module is None:
        yield
        return
    devices = [session.device] if session.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        rank = session.job.share.rank
        torch.random.manual_seed(seed_of(session.job.seed, "dropout", epoch, *[rank] * (rank > 0)))
        yield

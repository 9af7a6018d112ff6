"""One pass over the training tiles."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from tasks.functional.noise import seed_of
from tasks.regularizers._step import Batch, Step
from tasks.training.augment import augment
from tasks.training.errors import DivergedError
from tasks.training.objective import objective
from tasks.training.optimise import learning_rate, set_learning_rate
from tasks.training.order import epoch_order
from tasks.training.session import Session, regularizer_streams, stream

_CHECK_EVERY = 50
"""Steps between two looks at the loss: on an accelerator a look waits for all the work under way."""

Advance = Callable[[int], None]


def train_epoch(session: Session, epoch: int, advance: Advance) -> dict[str, float]:
    """Train epoch ``epoch`` (from 1) and return its mean losses and last learning rate.

    Raises:
        DivergedError: the loss is not finite.
    """
    job = session.job
    session.model.train()
    session.arm.generators = regularizer_streams(job, epoch)
    sums: dict[str, Tensor] = {}
    with _seeded_globals(session, epoch):
        for index, batch in enumerate(_batches(session, epoch)):
            parts = _train_step(session, batch, (epoch - 1) * job.steps_per_epoch + index)
            sums = {name: sums.get(name, torch.zeros_like(part)) + part for name, part in parts.items()}
            if index % _CHECK_EVERY == 0:
                _check_finite(sums, epoch)
            advance(len(batch.labels))
    _check_finite(sums, epoch)
    means = {name: float(total) / job.steps_per_epoch for name, total in sums.items()}
    return _row(means, session.optimizer.param_groups[0]["lr"])


def _batches(session: Session, epoch: int) -> Iterator[Batch]:
    job, recipe = session.job, session.job.recipe
    order = epoch_order(job.train.labels, recipe.class_balance, stream(job, "order", epoch))
    changes = stream(job, "augment", epoch)
    shown = order[: job.tiles_per_epoch]
    for images, positions in job.train.batches(shown, recipe.batch, session.device):
        places = torch.from_numpy(positions)
        yield Batch(
            images=augment(images, recipe.augmentation, changes),
            labels=job.train.labels[places].to(session.device),
            positions=places.to(session.device),
            dataset_size=len(job.train),
        )


def _train_step(session: Session, batch: Batch, number: int) -> dict[str, Tensor]:
    """Make optimiser step ``number`` (from 0) and return the parts of its loss."""
    job = session.job
    steps = job.steps_per_epoch * job.recipe.epochs
    step = Step(
        model=session.model,
        batch=batch,
        epoch=number // job.steps_per_epoch + 1,
        progress=number / steps,
        amp=job.recipe.amp,
        shares=session.arm.shares,
    )
    loss, parts = objective(step, session.arm, session.class_weights)
    session.optimizer.zero_grad()
    # Naming the parameters spares the gradient by the input, where a regularizer made that a leaf.
    torch.autograd.backward(loss, inputs=list(session.model.parameters()))
    set_learning_rate(session.optimizer, learning_rate(job.recipe, number, steps))
    session.optimizer.step()
    return dict(parts)


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


def _check_finite(sums: dict[str, Tensor], epoch: int) -> None:
    for name, total in sums.items():
        if not math.isfinite(value := float(total)):
            raise DivergedError(epoch, name, value)


def _row(means: dict[str, float], rate: float) -> dict[str, float]:
    """Return the columns of an epoch: the whole loss, each part where there are several, the rate."""
    parts = {f"loss_{name}": value for name, value in means.items()} if len(means) > 1 else {}
    return {"train_loss": sum(means.values()), **parts, "learning_rate": rate}

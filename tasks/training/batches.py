"""The batches of an epoch: which tiles a step sees, in which parts, and how they are changed."""

from collections.abc import Iterator

import torch

from tasks.regularizers._step import Batch
from tasks.training.augment import Changes, change, draw_changes
from tasks.training.order import epoch_order
from tasks.training.session import Session, stream


def epoch_batches(session: Session, epoch: int) -> Iterator[Batch]:
    """Yield the batches of an epoch; every ``accumulate`` of them make a step.

    The changes are drawn for a step as a whole, so its tiles look the same however it is split.
    """
    job, recipe = session.job, session.job.recipe
    order = epoch_order(job.train.labels, recipe.class_balance, stream(job, "order", epoch))
    shown = order[: job.tiles_per_epoch]
    parts = _changes(session, epoch)
    for images, positions in job.train.batches(shown, job.part_size, session.device):
        places = torch.from_numpy(positions)
        yield Batch(
            images=change(images, next(parts)),
            labels=job.train.labels[places].to(session.device),
            positions=places.to(session.device),
            dataset_size=len(job.train),
        )


def _changes(session: Session, epoch: int) -> Iterator[Changes]:
    """Yield the changes of each part of each step."""
    job, size = session.job, session.job.part_size
    generator = stream(job, "augment", epoch)
    for _ in range(job.steps_per_epoch):
        whole = draw_changes(job.step_size, job.recipe.augmentation, generator)
        for start in range(0, job.step_size, size):
            yield whole.of(slice(start, start + size))

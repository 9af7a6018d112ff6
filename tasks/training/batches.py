"""The batches of an epoch of tiles: which a step sees, in which parts, and how they are changed."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import torch

from tasks.training.augment import Changes, change, draw_changes
from tasks.training.base_job import AnyJob
from tasks.training.order import capped_positions, epoch_order
from tasks.training.tiles import Positions
from tasks.training_step.step import Batch

if TYPE_CHECKING:
    from tasks.training.job import TrainingJob


def tile_batches(job: TrainingJob, epoch: int, done: int = 0) -> Generator[Batch, None, None]:
    """Yield this process's batches of an epoch; ``accumulate`` of them make its part of a step.

    The changes are drawn for the whole step, so its tiles look the same however it is split. A step is split
    into consecutive parts first, and each part among the processes. The first ``done`` steps are left out.
    """
    device, parts = torch.device(job.device), _changes(job, epoch, done)
    shown = shown_from(job, epoch, done)[:, job.rank.number].ravel()
    # A plain copy to an accelerator would wait for all pending work.
    for images, positions in job.train.batches(shown, job.process_batch, device):
        places = torch.from_numpy(positions)
        yield Batch(
            images=change(images, next(parts)),
            labels=job.train.labels[places].to(device, non_blocking=True),
            positions=places.to(device, non_blocking=True),
            dataset_size=len(job.train),
        )


def shown_from(job: AnyJob, epoch: int, done: int) -> Positions:
    """Return the positions that an epoch shows after ``done`` steps: [parts, processes, process batch]."""
    parts = shown_in(job, epoch).reshape(-1, job.rank.count, job.process_batch)
    return parts[done * job.recipe.accumulate :]


def shown_in(job: AnyJob, epoch: int) -> Positions:
    """Return the positions of the samples that all processes show in an epoch (from 1), step by step."""
    labels, balance, count = job.train.labels, job.recipe.class_balance, job.tiles_per_epoch
    if job.capped:
        span = range((epoch - 1) * count, epoch * count)
        return capped_positions(labels, balance, span, lambda *what: job.stream("capped", *what))
    return epoch_order(labels, balance, job.stream("order", epoch))[:count]


def _changes(job: TrainingJob, epoch: int, done: int) -> Iterator[Changes]:
    """Yield the changes of this process's tiles, part by part and step by step."""
    size = job.process_batch
    generator = job.stream("augment", epoch)
    for number in range(job.steps_per_epoch):
        # Drawn for finished steps too: the stream goes on as if they were made here.
        whole = draw_changes(job.step_size, job.recipe.augmentation, generator)
        if number < done:
            continue
        for start in range(job.rank.number * size, job.step_size, job.rank.count * size):
            yield whole.of(slice(start, start + size))

"""The batches of an epoch: which tiles a step sees, in which parts, and how they are changed."""

from collections.abc import Iterator

import torch

from tasks.training.augment import Changes, change, draw_changes
from tasks.training.order import epoch_order
from tasks.training.run import TrainingRun, stream
from tasks.training_step.step import Batch


def epoch_batches(run: TrainingRun, epoch: int) -> Iterator[Batch]:
    """Yield this process's batches of an epoch; ``accumulate`` of them make its part of a step.

    The changes are drawn for the whole step, so its tiles look the same however it is split. A step is split
    into consecutive parts first, and each part among the processes.
    """
    job, recipe = run.job, run.job.recipe
    order = epoch_order(job.train.labels, recipe.class_balance, stream(job, "order", epoch))
    shown = (
        order[: job.tiles_per_epoch]
        .reshape(-1, job.rank.count, job.process_batch)[:, job.rank.number]
        .ravel()
    )
    parts = _changes(run, epoch)
    # A plain copy to an accelerator would wait for all pending work.
    for images, positions in job.train.batches(shown, job.process_batch, run.device):
        places = torch.from_numpy(positions)
        yield Batch(
            images=change(images, next(parts)),
            labels=job.train.labels[places].to(run.device, non_blocking=True),
            positions=places.to(run.device, non_blocking=True),
            dataset_size=len(job.train),
        )


def _changes(run: TrainingRun, epoch: int) -> Iterator[Changes]:
    """Yield the changes of this process's tiles, part by part and step by step."""
    job, size = run.job, run.job.process_batch
    generator = stream(job, "augment", epoch)
    for _ in range(job.steps_per_epoch):
        whole = draw_changes(job.step_size, job.recipe.augmentation, generator)
        for start in range(job.rank.number * size, job.step_size, job.rank.count * size):
            yield whole.of(slice(start, start + size))

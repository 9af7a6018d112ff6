"""Validation after each epoch, with the weights that would be used if training ended now.

A regularizer may have to finish weights before they are used (noise modulation: BatchNorm's statistics). The
epoch is chosen among finished networks. On the tumour slides of CAMELYON16, choosing among unfinished ones of
a modulated arm took the first epoch of ten.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from tasks.functional.gradients import target_margin
from tasks.training.errors import CollapsedError
from tasks.training.order import epoch_order
from tasks.training.resume import plain
from tasks.training.run import TrainingRun
from tasks.training.validate import predict, scores
from tasks.training_step.step import Finish

CLEAN_BATCHES = 100
"""Largest number of batches of training tiles that are shown again after an epoch."""

SPREAD = 1e-6
"""Range of the margins, as a share of the largest, below which all tiles got the same answer."""


def judge_epoch(run: TrainingRun, row: dict[str, float]) -> dict[str, float]:
    """Return ``row`` with validation scores. The run keeps the weights if they are the best so far.

    Regularizers that act after training do so first. The scores before that are named ``_as_trained``. The
    network is left as it was trained.
    """
    acting = [i for i, item in enumerate(run.arm.regularizers) if item.acts_after_training]
    run.model.eval()
    if not acting:
        judged = row | _judged(run)
        run.note(judged)
        return judged
    trained = {name: plain(value) for name, value in run.model.state_dict().items()}
    before = {f"{name}_as_trained": value for name, value in scores(*_predicted(run)).items()}
    finish = Finish(model=run.model, clean_batches=lambda: _clean_batches(run))
    for index in acting:
        run.arm.regularizers[index].after_training(finish, run.arm.states[index])
    judged = row | _judged(run) | before
    run.note(judged)
    run.model.load_state_dict(trained)
    return judged


def _predicted(run: TrainingRun) -> tuple[Tensor, Tensor]:
    samples = run.job.val
    return predict(run.model, samples, run.device), samples.labels


def _judged(run: TrainingRun) -> dict[str, float]:
    """Return the scores of the network as it would be used."""
    logits, labels = _predicted(run)
    recipe = run.job.recipe
    target, epoch = recipe.classes.index(recipe.target_class), len(run.history) + 1
    check_spread(logits, target, epoch, run.job.val.noun)
    return scores(logits, labels)


def check_spread(logits: Tensor, target: int, epoch: int, noun: str = "tiles") -> None:
    """Refuse a network whose logits [N, K] are the same for all samples, which ``noun`` names.

    Raises:
        CollapsedError: the margins of class ``target`` differ by less than :data:`SPREAD` of the largest, or
            by less than :data:`SPREAD` where all are below 1. In float32 a network that ignores its input
            reaches no more. One that has hardly begun to learn already spreads them a thousand times wider.
    """
    margins = target_margin(logits, torch.full((len(logits),), target))
    spread = float(margins.max() - margins.min())
    needed = SPREAD * max(1.0, float(margins.abs().max()))
    if spread < needed:
        raise CollapsedError(
            epoch,
            f"network collapsed in epoch {epoch}: the target margins of all {len(logits)} validation {noun} "
            f"lie within {spread:.3g}; needed {needed:.3g}",
        )


def _clean_batches(run: TrainingRun) -> Iterator[Tensor]:
    # Shuffled, as a batch of one slide alone would have the statistics of that slide.
    job = run.job
    shown = min(job.tiles_per_epoch, CLEAN_BATCHES * job.batch)
    order = epoch_order(job.train.labels, "none", job.stream("clean"))[:shown]
    for inputs, _ in job.train.batches(order, job.batch, run.device):
        # Who asks for them estimates statistics of images.
        assert isinstance(inputs, Tensor)
        yield inputs

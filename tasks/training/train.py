"""Train one arm with one seed and write its checkpoint. An interrupted training resumes."""

import resource
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import torch
from safetensors.torch import save_file
from torch import Tensor

from tasks.artifacts.checkpoint import HISTORY, INFO, REGULARIZERS, WEIGHTS, CheckpointInfo
from tasks.models.classifier import Colour
from tasks.training.epoch import Advance, train_epoch
from tasks.training.job import TrainingJob, check_job, common_mpp
from tasks.training.judge import judge_epoch
from tasks.training.run import TrainingRun, begin

Log = Callable[[Mapping[str, float], int], None]
"""Takes the figures of an epoch and its number, from 1."""


def train_classifier(
    job: TrainingJob, out: Path, work: Path, log: Log, advance: Advance = lambda n: None
) -> dict[str, float]:
    """Train, choose the epoch on validation, and write the Checkpoint into ``out``.

    The state after each epoch is kept in ``work``; a later call with the same job goes on from there and on
    a CPU ends with the same bytes. Finished epochs are then logged again and count as advanced. Where several
    processes call this, only the first writes into ``out`` and ``work``.

    Args:
        job: what to train on, how, with which seed and where.
        out: an empty folder for the payload.
        work: a folder of this job's own, for what may be resumed.
        log: called once per epoch.
        advance: called with the number of tiles just trained on; :func:`planned_tiles` in all.

    Returns:
        Measures of this call: seconds, tiles_per_second (training steps alone), peak_memory_mb (of the
        accelerator, or else of this process since its start), epochs trained.

    Raises:
        TrainingDataError: the tiles cannot be trained on.
        ModelError: the network cannot be made.
        DivergedError: a loss is not finite.
        CollapsedError: the weights have no gradient any more, or all tiles get the same answer.
    """
    started = time.perf_counter()
    check_job(job)
    run = begin(job, work)
    before = len(run.history)
    for number, row in enumerate(run.history, start=1):
        log(row, number)
        advance(job.tiles_per_epoch)
    training = 0.0
    while len(run.history) < job.recipe.epochs:
        training += _one_epoch(run, work, log, advance)
    if job.rank.first:
        write_checkpoint(run, out)
    epochs = job.recipe.epochs - before
    return {
        "seconds": time.perf_counter() - started,
        "tiles_per_second": epochs * job.tiles_per_epoch / training if epochs else 0.0,
        "peak_memory_mb": _peak_memory_mb(run.device),
        "epochs": float(epochs),
    }


def planned_tiles(job: TrainingJob) -> int:
    """Return how many tiles :func:`train_classifier` will advance by."""
    return job.recipe.epochs * job.tiles_per_epoch


def write_checkpoint(run: TrainingRun, out: Path) -> None:
    """Write the weights of the best epoch, its states and validation scores, and the history of all."""
    job, model = run.job, run.model
    model.load_state_dict(run.best)
    save_file(run.best, out / WEIGHTS)
    if run.best_states:
        save_file(run.best_states, out / REGULARIZERS)
    chosen = run.history[run.best_epoch - 1]
    info = CheckpointInfo(
        # Where the weights started is part of the recipe; here it would be a path of this machine.
        network=job.recipe.network.model_copy(update={"init": None}).model_dump(mode="json"),
        classes=job.recipe.classes,
        target_class=job.recipe.target_class,
        mpp=common_mpp(job.tile_sets),
        tile_px=job.train.pixels[0].shape[1],
        mean=_colour(model.mean),
        std=_colour(model.std),
        seed=job.seed,
        best_epoch=run.best_epoch,
        scores={name: value for name, value in chosen.items() if name.startswith("val_")},
    )
    (out / INFO).write_text(info.model_dump_json(indent=1), encoding="utf-8")
    numbered = [{"epoch": number, **row} for number, row in enumerate(run.history, start=1)]
    pd.DataFrame(numbered).to_parquet(out / HISTORY, index=False)


def _one_epoch(run: TrainingRun, work: Path, log: Log, advance: Advance) -> float:
    """Train, judge, save and log one epoch; return the seconds spent in training steps.

    Where there are several processes, the first validates while the others wait in their next step.
    """
    epoch = len(run.history) + 1
    started = time.perf_counter()
    row = train_epoch(run, epoch, advance)
    seconds = time.perf_counter() - started
    if not run.job.rank.first:
        run.history.append(row)
        return seconds
    row = judge_epoch(run, row)
    run.save(work)
    log(row, epoch)
    return seconds


def _colour(buffer: Tensor) -> Colour:
    red, green, blue = (float(value) for value in buffer.flatten())
    return red, green, blue


def _peak_memory_mb(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

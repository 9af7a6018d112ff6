"""Train one arm with one seed and write its checkpoint. An interrupted training continues."""

import resource
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter

import pandas as pd
import torch
from safetensors.torch import save_file
from torch import Tensor

from tasks.artifacts.checkpoint import HISTORY, INFO, REGULARIZERS, WEIGHTS, CheckpointInfo
from tasks.models.classifier import Colour
from tasks.training.costs import TrainingCosts
from tasks.training.epoch import Advance, train_epoch
from tasks.training.job import TrainingJob, check_job, common_mpp
from tasks.training.judge import judge_epoch
from tasks.training.run import TrainingRun, begin

Log = Callable[[Mapping[str, float], int], None]
"""Called with the figures of an epoch and its number, from 1."""


def train_classifier(
    job: TrainingJob, out: Path, work: Path, log: Log, advance: Advance = lambda n: None
) -> dict[str, float]:
    """Train, choose the epoch on validation, and write the Checkpoint into ``out``.

    The state after each epoch is kept in ``work``. A later call with the same job continues from there and
    on a CPU ends with the same bytes. Finished epochs are then logged again and count as advanced. Of
    several processes, all of which call this, only the first writes into ``out`` and ``work``.

    Args:
        job: what to train on, how, with which seed and on which device.
        out: an empty folder for the payload.
        work: a folder of this job's own, for the state that can be resumed.
        log: called once per epoch.
        advance: called with the number of tiles just trained on, :func:`planned_tiles` in all.

    Returns:
        The measures ``seconds``, ``tiles_per_second`` (over training steps alone), ``peak_memory_mb`` (of
        the accelerator, or else of the process since its start) and ``epochs``. They cover all calls that
        trained this job, see :class:`TrainingCosts`. ``resumed_epochs`` were finished before this call.

    Raises:
        TrainingDataError: the tiles cannot be trained on.
        ModelError: the network cannot be made.
        DivergedError: a loss is not finite.
        CollapsedError: the weights have no gradient any more, or all tiles get the same answer.
    """
    clock = _Clock()
    check_job(job)
    run = begin(job, work)
    resumed = len(run.history)
    for number, row in enumerate(run.history, start=1):
        log(row, number)
        advance(job.tiles_per_epoch)
    while len(run.history) < job.recipe.epochs:
        _one_epoch(run, work, clock, (log, advance))
    if job.rank.first:
        write_checkpoint(run, out)
    costs = run.costs.plus(clock.costs(run))
    return {**costs.measures, "resumed_epochs": float(resumed)}


def planned_tiles(job: TrainingJob) -> int:
    """Return how many tiles :func:`train_classifier` will advance by."""
    return job.recipe.epochs * job.tiles_per_epoch


def write_checkpoint(run: TrainingRun, out: Path) -> None:
    """Write the weights, states and validation scores of the best epoch, and the history of all epochs."""
    job, model = run.job, run.model
    model.load_state_dict(run.best)
    save_file(run.best, out / WEIGHTS)
    if run.best_states:
        save_file(run.best_states, out / REGULARIZERS)
    chosen = run.history[run.best_epoch - 1]
    info = CheckpointInfo(
        # The starting weights are part of the recipe. Their path would differ between machines.
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


class _Clock:
    """Measures the time since it was last read."""

    def __init__(self) -> None:
        self._read = perf_counter()

    def costs(self, run: TrainingRun, step_seconds: float = 0.0, epochs: int = 0) -> TrainingCosts:
        """Return the costs since the last reading, with ``epochs`` just finished."""
        before, self._read = self._read, perf_counter()
        return TrainingCosts(
            seconds=self._read - before,
            step_seconds=step_seconds,
            tiles=epochs * run.job.tiles_per_epoch,
            epochs=epochs,
            peak_memory_mb=_peak_memory_mb(run.device),
        )


def _one_epoch(run: TrainingRun, work: Path, clock: _Clock, report: tuple[Log, Advance]) -> None:
    """Train, judge, save and log one epoch, and add its costs to those of the run.

    Where there are several processes, the first validates while the others wait in their next step.
    """
    log, advance = report
    epoch = len(run.history) + 1
    started = perf_counter()
    row = train_epoch(run, epoch, advance)
    seconds = perf_counter() - started
    if not run.job.rank.first:
        run.history.append(row)
        return
    row = judge_epoch(run, row)
    run.costs = run.costs.plus(clock.costs(run, seconds, epochs=1))
    run.save(work)
    log(row, epoch)


def _colour(buffer: Tensor) -> Colour:
    red, green, blue = (float(value) for value in buffer.flatten())
    return red, green, blue


def _peak_memory_mb(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

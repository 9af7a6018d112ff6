"""Train one arm with one seed and write its checkpoint. An interrupted training continues."""

import resource
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from safetensors.torch import save_file

from tasks.artifacts.checkpoint import HISTORY, INFO, REGULARIZERS, WEIGHTS
from tasks.functional.arithmetic import arithmetic
from tasks.training.base_job import AnyJob
from tasks.training.compiled import as_written, compile_blocks
from tasks.training.costs import SPEED, CostClock, TrainingCosts
from tasks.training.epoch import Advance, train_epoch
from tasks.training.judge import judge_epoch
from tasks.training.run import TrainingRun, begin
from tasks.training.saving import EpochSaver

Log = Callable[[Mapping[str, float], int], None]
"""Called with the figures of an epoch and its number, from 1."""


def train_classifier(
    job: AnyJob, out: Path, work: Path, log: Log, advance: Advance = lambda n: None
) -> dict[str, float]:
    """Train, choose the epoch on validation, and write the Checkpoint into ``out``.

    The state is kept in ``work`` after each epoch, and within one after some minutes. A later call with the
    same job continues from there and on a CPU ends with the same bytes. Finished epochs are then logged
    again, and what was saved counts as advanced. Of several processes, all of which call this, only the first
    writes into ``out`` and ``work``. Products of float32 numbers are exact unless the recipe says otherwise.

    Args:
        job: what to train on, how, with which seed and on which device.
        out: an empty folder for the payload.
        work: a folder of this job's own, for the state that can be resumed.
        log: called once per epoch.
        advance: called with the number of samples just trained on, :func:`planned_tiles` in all. Samples are
            tiles or slides.

    Returns:
        The measures ``seconds``, ``tiles_per_second`` or ``slides_per_second`` (over training steps alone),
        ``peak_memory_mb`` (of the accelerator, or else of the process since its start) and ``epochs``. They
        cover all calls that trained this job, see :class:`TrainingCosts`. ``resumed_epochs`` were finished
        before this call. ``compiled`` is 1 or 0 where the recipe asks to compile.

    Raises:
        TrainingDataError: the tiles cannot be trained on.
        ModelError: the network cannot be made.
        DivergedError: a loss is not finite.
        CollapsedError: the weights have no gradient any more, or all tiles get the same answer.
    """
    clock = CostClock(partial(_peak_memory_mb, torch.device(job.device)))
    job.check()
    with arithmetic(tf32=job.recipe.tf32, autotune=job.recipe.autotune):
        run = begin(job, work)
        compiled = job.recipe.compile and compile_blocks(run)
        resumed = len(run.history)
        _report_again(run, log, advance)
        while len(run.history) < job.recipe.epochs and not _is_out_of_patience(run):
            _one_epoch(run, work, clock, (log, advance))
        # What patience leaves out is done as well.
        advance((job.recipe.epochs - len(run.history)) * job.tiles_per_epoch)
    if job.rank.first:
        write_checkpoint(run, out)
    costs = run.costs.plus(clock.costs())
    measures = {**_measured(costs, job.train.noun), "resumed_epochs": float(resumed)}
    return {**measures, "compiled": float(compiled)} if job.recipe.compile else measures


def _measured(costs: TrainingCosts, noun: str) -> dict[str, float]:
    """Return the measures, with the speed under the name of what was trained on."""
    return {f"{noun}_per_second" if name == SPEED else name: value for name, value in costs.measures.items()}


def _is_out_of_patience(run: TrainingRun) -> bool:
    """Say whether no epoch was better than the best for as many epochs as the recipe waits.

    The first of several processes decides for all, since it alone judges.
    """
    patience, job = run.job.recipe.patience, run.job
    if patience is None or not run.history:
        return False
    late = job.rank.first and len(run.history) - run.best_epoch >= patience
    return bool(job.rank.mean(torch.tensor(float(late), device=run.device)) > 0)


def _report_again(run: TrainingRun, log: Log, advance: Advance) -> None:
    """Report what an earlier call has done and saved."""
    for number, row in enumerate(run.history, start=1):
        log(row, number)
        advance(run.job.tiles_per_epoch)
    if run.unfinished is not None:
        advance(run.unfinished.steps * run.job.step_size)


def planned_tiles(job: AnyJob) -> int:
    """Return how many samples :func:`train_classifier` will advance by."""
    return job.recipe.epochs * job.tiles_per_epoch


def write_checkpoint(run: TrainingRun, out: Path) -> None:
    """Write the weights, states and validation scores of the best epoch, and the history of all epochs."""
    job, model = run.job, run.model
    model.load_state_dict(run.best)
    save_file(run.best, out / WEIGHTS)
    if run.best_states:
        save_file(run.best_states, out / REGULARIZERS)
    chosen = run.history[run.best_epoch - 1]
    scores = {name: value for name, value in chosen.items() if name.startswith("val_")}
    info = job.info(model, run.best_epoch, scores)
    (out / INFO).write_text(info.model_dump_json(indent=1), encoding="utf-8")
    numbered = [{"epoch": number, **row} for number, row in enumerate(run.history, start=1)]
    pd.DataFrame(numbered).to_parquet(out / HISTORY, index=False)


def _one_epoch(run: TrainingRun, work: Path, clock: CostClock, report: tuple[Log, Advance]) -> None:
    """Train, judge, save and log one epoch, and add its costs to those of the run.

    Where there are several processes, the first validates while the others wait in their next step.
    """
    log, advance = report
    epoch = len(run.history) + 1
    saver = EpochSaver(run, work, clock)
    saver.begin_epoch()
    row = train_epoch(run, epoch, advance, saver.after_step)
    clock.end_steps()
    if not run.job.rank.first:
        run.history.append(row)
        return
    with arithmetic(), as_written(run.model):
        row = judge_epoch(run, row)
    run.costs = run.costs.plus(clock.costs(saver.tiles_of(run.job.steps_per_epoch), epochs=1))
    run.save(work)
    log(row, epoch)


def _peak_memory_mb(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

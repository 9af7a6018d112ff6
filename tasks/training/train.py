"""Train one arm with one seed and write its checkpoint; a training that was cut off goes on."""

import resource
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pandas as pd
import torch
from safetensors.torch import save_file
from torch import Tensor

from tasks.artifacts.checkpoint import HISTORY, INFO, WEIGHTS, CheckpointInfo
from tasks.models.classifier import Colour
from tasks.regularizers._step import Finish
from tasks.training.epoch import Advance, train_epoch
from tasks.training.errors import DivergedError
from tasks.training.job import TrainingJob, check_job, common_mpp
from tasks.training.order import epoch_order
from tasks.training.resume import plain
from tasks.training.session import Session, begin, stream
from tasks.training.validate import predict, scores

Log = Callable[[Mapping[str, float], int], None]
"""Takes the figures of an epoch and its number, from 1."""


def train_classifier(
    job: TrainingJob, out: Path, work: Path, log: Log, advance: Advance = lambda n: None
) -> dict[str, float]:
    """Train, choose the epoch on validation, let regularizers finish, and write the Checkpoint into ``out``.

    The state after each epoch is kept in ``work``; a later call with the same job goes on from there and on
    a CPU ends with the same bytes. Finished epochs are then logged again and count as advanced.

    Args:
        job: what to train on, how, with which seed and where.
        out: an empty folder for the payload.
        work: a folder of this job's own, for what may be resumed.
        log: called once an epoch.
        advance: called with the number of tiles just trained on; :func:`planned_tiles` in all.

    Returns:
        Measures of this call: seconds, tiles_per_second (training steps alone), peak_memory_mb (of the
        accelerator, or else of this process since its start), epochs trained.

    Raises:
        TrainingDataError: the tiles cannot be trained on.
        ModelError: the network cannot be made.
        DivergedError: a loss is not finite.
    """
    started = time.perf_counter()
    check_job(job)
    session = begin(job, work)
    before = len(session.history)
    for number, row in enumerate(session.history, start=1):
        log(row, number)
        advance(job.tiles_per_epoch)
    training = 0.0
    while len(session.history) < job.recipe.epochs:
        training += _one_epoch(session, work, log, advance)
    write_checkpoint(session, out)
    epochs = job.recipe.epochs - before
    return {
        "seconds": time.perf_counter() - started,
        "tiles_per_second": epochs * job.tiles_per_epoch / training if epochs else 0.0,
        "peak_memory_mb": _peak_memory_mb(session.device),
        "epochs": float(epochs),
    }


def planned_tiles(job: TrainingJob) -> int:
    """Return how many tiles :func:`train_classifier` will advance by."""
    return job.recipe.epochs * job.tiles_per_epoch


def write_checkpoint(session: Session, out: Path) -> None:
    """Write the weights of the best epoch, finished by the regularizers, with history and scores."""
    job, model = session.job, session.model
    model.load_state_dict(session.best)
    final = _finish(session)
    save_file({name: plain(value) for name, value in model.state_dict().items()}, out / WEIGHTS)
    info = CheckpointInfo(
        network=job.recipe.network.model_dump(mode="json"),
        classes=job.recipe.classes,
        target_class=job.recipe.target_class,
        mpp=common_mpp(job.tile_sets),
        tile_px=job.train.pixels[0].shape[1],
        mean=_colour(model.mean),
        std=_colour(model.std),
        seed=job.seed,
        best_epoch=session.best_epoch,
        scores=final,
    )
    (out / INFO).write_text(info.model_dump_json(indent=1), encoding="utf-8")
    numbered = [{"epoch": number, **row} for number, row in enumerate(session.history, start=1)]
    pd.DataFrame(numbered).to_parquet(out / HISTORY, index=False)


def _one_epoch(session: Session, work: Path, log: Log, advance: Advance) -> float:
    """Train, validate, save and log one epoch; return the seconds spent in training steps."""
    epoch = len(session.history) + 1
    started = time.perf_counter()
    row = train_epoch(session, epoch, advance)
    seconds = time.perf_counter() - started
    row |= _validate(session)
    for name, value in row.items():
        if value != value:  # NaN is the one number that differs from itself
            raise DivergedError(epoch, name, value)
    session.finish_epoch(row, work)
    log(row, epoch)
    return seconds


def _finish(session: Session) -> dict[str, float]:
    """Let the regularizers act on the chosen weights; return the scores, also those before they did."""
    session.model.eval()
    acting = [i for i, item in enumerate(session.arm.regularizers) if item.acts_after_training]
    if not acting:
        return _validate(session)
    before = {f"{name}_as_trained": value for name, value in _validate(session).items()}
    finish = Finish(model=session.model, clean_batches=lambda: _clean_batches(session))
    for index in acting:
        session.arm.regularizers[index].after_training(finish, session.arm.states[index])
    return _validate(session) | before


def _validate(session: Session) -> dict[str, float]:
    tiles = session.job.val
    return scores(predict(session.model, tiles, session.device), tiles.labels)


def _clean_batches(session: Session) -> Iterator[Tensor]:
    # Shuffled, as a batch of one slide alone would have the statistics of that slide.
    job = session.job
    order = epoch_order(job.train.labels, "none", stream(job, "clean"))[: job.tiles_per_epoch]
    for images, _ in job.train.batches(order, job.recipe.batch, session.device):
        yield images


def _colour(buffer: Tensor) -> Colour:
    red, green, blue = (float(value) for value in buffer.flatten())
    return red, green, blue


def _peak_memory_mb(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

"""Explain the tiles of one slide in batches, with resume, and in their surroundings where these were read."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from tasks.artifacts.attributions import ATTRIBUTIONS
from tasks.artifacts.explained_samples import INDEX, write_notes
from tasks.artifacts.tile_set import TileSet
from tasks.explainers.base import Explainer, ExplanationError
from tasks.explaining.background import WriteBehind
from tasks.explaining.batch import BatchExplainer
from tasks.explaining.block import AttributionSettings, NoNetwork, SlideJob, explain_block
from tasks.explaining.halo import refuse_fixed_size
from tasks.explaining.progress import Progress
from tasks.explaining.spent import Spent, costs_since
from tasks.functional.ahead import read_ahead
from tasks.functional.completeness import completeness_note
from tasks.functional.halo import images_at_once
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.passes import PassCounter, counted_passes
from tasks.functional.pixels import spans, to_images
from tasks.samples.sampled_tiles import sampled_rows

BLOCK = 64
"""Tiles on the device at once, or ``batch`` where that is more."""


def attribute_slide(  # noqa: PLR0913  (two folders and a callable belong to no settings)
    model: nn.Module | None,
    tiles: TileSet,
    explainer: Explainer,
    settings: AttributionSettings,
    out: Path,
    work: Path,
    advance: Callable[[int], None] = lambda n: None,
) -> dict[str, float]:
    """Write the Attributions of one slide into ``out`` and return measures.

    Tiles are read ahead of the model and maps written behind it, each by a thread of its own. An interrupted
    run resumes after the last whole file of maps in ``work`` and ends with the same bytes. Memory is bounded
    by two files of maps and a few blocks of tiles. With surroundings the larger image is explained and its
    middle is kept; the logits of the index are those of the tile itself.

    Args:
        model: gives logits [B, K], on ``settings.device``; left as found. None for a blind control, whose
            index has no logits.
        tiles: the slide; failed tiles and those outside the sample are left out.
        explainer: what to run.
        settings: the explained class, the sample, the storage and the resources.
        out: an empty folder for the payload.
        work: a folder for unfinished work, emptied at the end.
        advance: called with the number of tiles just done.

    Raises:
        ExplanationError: the explainer gave values that are not finite, or maps of another shape; the
            surroundings are of other tiles, or too large for the network; or there is no model and the
            explainer asks one.
    """
    started = time.perf_counter()
    if model is None and not explainer.blind:
        raise ExplanationError(f"explainer {explainer.id!r} explains a model, and none was handed over")
    model = NoNetwork() if model is None else model
    rows = sampled_rows(tiles, settings.tiles_per_slide)
    progress, spent = Progress(work, len(rows), tiles.pixels.shape[1], settings.map_dtype), Spent(work)
    explainer = _settled(explainer, model, tiles, rows[:1], settings)
    with leave_as_found(model), torch.no_grad(), ExitStack() as stack:
        job = _job(model, tiles, explainer, rows, settings)
        counters = _count_passes(job, stack)
        costs = partial(costs_since, started, counters, "images")
        _explain_all(job, progress, advance, lambda: spent.note(costs()))
    index = progress.index()
    index.to_parquet(out / INDEX, index=False)
    write_notes(out, (*explainer.notes(), *_incomplete(explainer, index)))
    shutil.move(progress.maps_folder, out / ATTRIBUTIONS)
    progress.forget()
    spent.forget()
    return _measures(len(rows), spent.total(costs()))


def _explain_all(
    job: SlideJob, progress: Progress, advance: Callable[[int], None], note: Callable[[], None]
) -> None:
    """Explain what is not written yet, file by file; ``note`` is called after each."""
    missing = []
    for span in progress.spans():
        if progress.has(span):
            advance(span.stop - span.start)
        else:
            missing.append(span)
    blocks = [block for span in missing for block in _blocks(span, job.settings.batch)]
    with closing(read_ahead(job.read, blocks, readers=2)) as read, WriteBehind() as writer:
        for span in missing:
            maps, index = progress.room(span), []
            for block in _blocks(span, job.settings.batch):
                maps[block.start - span.start : block.stop - span.start], rows = explain_block(
                    job, block, next(read)
                )
                index.append(rows)
                advance(block.stop - block.start)
            writer.put(partial(progress.keep, span, maps, pd.concat(index, ignore_index=True)))
            note()


def _blocks(span: slice, batch: int) -> Iterator[slice]:
    """Yield the slices of ``span`` that are on the device at once."""
    for part in spans(span.stop - span.start, BLOCK * max(1, batch // BLOCK)):
        yield slice(span.start + part.start, span.start + part.stop)


def _job(
    model: nn.Module,
    tiles: TileSet,
    explainer: Explainer,
    rows: NDArray[np.intp],
    settings: AttributionSettings,
) -> SlideJob:
    """Return what is to be done; the network is asked about the first surrounded tile."""
    around, tile_px = settings.surrounded, tiles.pixels.shape[1]
    halo_px = 0 if around is None else around.halo_px
    if halo_px:
        explainer = explainer.with_halo(tile_px, halo_px)
    batch = images_at_once(settings.batch, tile_px, halo_px)
    explaining = BatchExplainer(explainer, explainer.prepare(model), batch)
    job = SlideJob(model, explaining, tiles, rows, settings, halo_px)
    if around is not None and around.index["tile_id"].astype(str).tolist() != job.names(slice(None)):
        raise ExplanationError("the surroundings are not of the tiles that are explained")
    if around is not None and halo_px:
        refuse_fixed_size(model, to_images(around.pixels[:1].copy(), torch.device(settings.device)), halo_px)
    return job


def _settled(
    explainer: Explainer,
    model: nn.Module,
    tiles: TileSet,
    first: NDArray[np.intp],
    settings: AttributionSettings,
) -> Explainer:
    """Return the explainer with all decided that is found in the network, by a look at the first tile."""
    if not len(first) or explainer.blind:
        return explainer
    return explainer.settled(model, to_images(tiles.pixels[first], torch.device(settings.device)))


def _incomplete(explainer: Explainer, index: pd.DataFrame) -> tuple[str, ...]:
    """Return a sentence where maps that claim to be complete are not."""
    if not (explainer.complete and len(index)):
        return ()
    return completeness_note(index["completeness_error"].to_numpy(), index["map_sum"].to_numpy())


def _count_passes(job: SlideJob, stack: ExitStack) -> list[PassCounter]:
    """Count the passes of the model and, where it is another one, of the prepared network."""
    networks = {id(network): network for network in (job.model, job.explaining.network)}
    return [stack.enter_context(counted_passes(network)) for network in networks.values()]


def _measures(count: int, costs: dict[str, float]) -> dict[str, float]:
    return {**costs, "tiles": count, "tiles_per_second": count / costs["seconds"]}

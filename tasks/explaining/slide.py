"""Explain the tiles of one slide in batches, with resume, and in their surroundings where these were read."""

import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tasks.artifacts.attributions import ATTRIBUTIONS, HALO_SUM, INDEX, write_notes
from tasks.artifacts.surrounded_tiles import SurroundedTiles
from tasks.artifacts.tile_set import TileSet
from tasks.explainers.base import Explainer, ExplanationError
from tasks.explaining.batch import BatchExplainer
from tasks.explaining.halo import refuse_fixed_size
from tasks.explaining.progress import CHUNK, Progress
from tasks.functional.completeness import completeness_note
from tasks.functional.halo import images_at_once, middle
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.passes import PassCounter, counted_passes
from tasks.functional.pixels import forward_in_batches, spans, to_images
from tasks.functional.tile_keys import tile_keys
from tasks.samples.sampled_tiles import sampled_rows


@dataclass(frozen=True)
class AttributionSettings:
    """The explained class, the largest number of tiles per slide (None: all), surroundings and resources.

    ``surrounded`` are the tiles with what surrounds them; None explains the bare tiles. Resources are the
    images in flight and the device of the model.
    """

    target: int
    batch: int = 64
    device: str = "cpu"
    tiles_per_slide: int | None = None
    surrounded: SurroundedTiles | None = None


@dataclass(frozen=True)
class _SlideJob:
    model: nn.Module
    explaining: BatchExplainer
    tiles: TileSet
    rows: NDArray[np.intp]
    settings: AttributionSettings
    halo_px: int

    def names(self, span: slice) -> list[str]:
        """Return the ids of some tiles."""
        return [str(name) for name in self.tiles.table["tile_id"].iloc[self.rows[span]]]

    def explained(self, span: slice, images: Tensor) -> Tensor:
        """Return what is explained for the tiles ``images``: these themselves, or in their surroundings."""
        around = self.settings.surrounded
        if around is None or not self.halo_px:
            return images
        return to_images(around.pixels[span].copy(), images.device)


def attribute_slide(  # noqa: PLR0913  (two folders and a callable belong to no settings)
    model: nn.Module,
    tiles: TileSet,
    explainer: Explainer,
    settings: AttributionSettings,
    out: Path,
    work: Path,
    advance: Callable[[int], None] = lambda n: None,
) -> dict[str, float]:
    """Write the Attributions of one slide into ``out`` and return measures.

    An interrupted run resumes after the last whole span of tiles in ``work`` and ends with the same bytes.
    Memory is bounded by one span: ``settings.batch`` tiles, at least 64. With surroundings the larger image
    is explained and its middle is kept; the logits of the index are those of the tile itself.

    Args:
        model: gives logits [B, K], on ``settings.device``; left as found.
        tiles: the slide; failed tiles and those outside the sample are left out.
        explainer: what to run.
        settings: the explained class, the sample and the resources.
        out: an empty folder for the payload.
        work: a folder for unfinished work, emptied at the end.
        advance: called with the number of tiles just done.

    Raises:
        ExplanationError: the explainer gave values that are not finite, or maps of another shape; or the
            surroundings are of other tiles, or too large for the network.
    """
    started = time.perf_counter()
    rows = sampled_rows(tiles, settings.tiles_per_slide)
    count, tile_px = len(rows), tiles.pixels.shape[1]
    progress = Progress(work, count, tile_px)
    explainer = _settled(explainer, model, tiles, rows[:1], settings)
    with leave_as_found(model), torch.no_grad(), ExitStack() as stack:
        job = _job(model, tiles, explainer, rows, settings)
        counters = _count_passes(job, stack)
        for span in spans(count, CHUNK * max(1, settings.batch // CHUNK)):
            if not progress.has(span):
                progress.keep(span, *_explain(job, span))
            advance(span.stop - span.start)
    index = progress.index()
    index.to_parquet(out / INDEX, index=False)
    write_notes(out, (*explainer.notes(), *_incomplete(explainer, index)))
    shutil.move(progress.maps_folder, out / ATTRIBUTIONS)
    progress.forget()
    return _measures(count, time.perf_counter() - started, counters)


def _job(
    model: nn.Module,
    tiles: TileSet,
    explainer: Explainer,
    rows: NDArray[np.intp],
    settings: AttributionSettings,
) -> _SlideJob:
    """Return what is to be done; the network is asked about the first surrounded tile."""
    around, tile_px = settings.surrounded, tiles.pixels.shape[1]
    halo_px = 0 if around is None else around.halo_px
    if halo_px:
        explainer = explainer.with_halo(tile_px, halo_px)
    batch = images_at_once(settings.batch, tile_px, halo_px)
    explaining = BatchExplainer(explainer, explainer.prepare(model), batch)
    job = _SlideJob(model, explaining, tiles, rows, settings, halo_px)
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
    if not len(first):
        return explainer
    return explainer.settled(model, to_images(tiles.pixels[first], torch.device(settings.device)))


def _incomplete(explainer: Explainer, index: pd.DataFrame) -> tuple[str, ...]:
    """Return a sentence where maps that claim to be complete are not."""
    if not (explainer.complete and len(index)):
        return ()
    return completeness_note(index["completeness_error"].to_numpy(), index["map_sum"].to_numpy())


def _explain(job: _SlideJob, span: slice) -> tuple[Tensor, pd.DataFrame]:
    """Return the maps [n, H, W] of one span on the CPU and their rows of the index."""
    names, device = job.names(span), torch.device(job.settings.device)
    images = to_images(job.tiles.pixels[job.rows[span]], device)
    shown = job.explained(span, images)
    targets = torch.full((len(names),), job.settings.target, dtype=torch.int64, device=device)
    keys = tile_keys(names).to(device)
    maps = job.explaining.maps(shown, targets, keys)
    logits = forward_in_batches(job.model, images, job.settings.batch)
    own = logits if job.explaining.network is job.model and shown is images else None
    # Of the whole map: only that sums to the margin which is explained.
    error = job.explaining.completeness_errors(shown, targets, maps, own)
    kept = middle(_checked(maps, shown, names), job.halo_px)
    index = pd.DataFrame({"tile_id": names, "target": job.settings.target})
    values = logits.double().cpu().numpy()
    for column in range(values.shape[1]):
        index[f"logit_{column}"] = values[:, column]
    index["completeness_error"] = error.cpu().numpy()
    index["map_sum"] = _sums(maps).cpu().numpy()
    if job.halo_px:
        index[HALO_SUM] = (_sums(maps) - _sums(kept)).cpu().numpy()
    return kept.float().cpu(), index


def _sums(maps: Tensor) -> Tensor:
    return maps.double().flatten(1).sum(1)


def _checked(maps: Tensor, images: Tensor, names: list[str]) -> Tensor:
    wanted = (len(images), *images.shape[2:])
    if maps.shape != wanted:
        raise ExplanationError(f"maps have shape {list(maps.shape)}; needed {list(wanted)}, one an image")
    broken = (~torch.isfinite(maps).flatten(1).all(1)).nonzero().flatten().tolist()
    if broken:
        raise ExplanationError(
            f"{len(broken)} of {len(names)} maps hold values that are not finite, the first on tile "
            f"{names[broken[0]]}"
        )
    return maps


def _count_passes(job: _SlideJob, stack: ExitStack) -> list[PassCounter]:
    """Count the passes of the model and, where it is another one, of the prepared network."""
    networks = {id(network): network for network in (job.model, job.explaining.network)}
    return [stack.enter_context(counted_passes(network)) for network in networks.values()]


def _measures(count: int, seconds: float, counters: list[PassCounter]) -> dict[str, float]:
    return {
        "seconds": seconds,
        "tiles": count,
        "tiles_per_second": count / seconds,
        "forward_images": sum(counter.spent.forward for counter in counters),
        "backward_images": sum(counter.spent.backward for counter in counters),
    }

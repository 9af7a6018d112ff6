"""The tiles that exemplars are chosen from, and what a network makes of them."""

from collections.abc import Collection, Iterator, Sequence

import torch
from torch import Tensor

from tasks.artifacts.tile_set import TileSet
from tasks.exemplars.base import ExemplarError, ExemplarJob
from tasks.samples.readable_tiles import ReadableTiles


def by_slide_id(tile_sets: Sequence[TileSet], labels: Collection[str] | None = None) -> ReadableTiles:
    """Return the readable tiles, slides in the order of their ids; a slide without tiles adds none."""
    filled = [tiles for tiles in tile_sets if len(tiles.table)]
    filled.sort(key=lambda tiles: str(tiles.table["slide_id"].iloc[0]))
    return ReadableTiles(filled, labels)


def labelled(job: ExemplarJob) -> ReadableTiles:
    """Return the training tiles that have the label of a class.

    Raises:
        ExemplarError: there is none.
    """
    tiles = by_slide_id(job.train, job.classes)
    if not len(tiles):
        raise ExemplarError(
            f"none of the {len(job.train)} training slides has a tile labelled {' or '.join(job.classes)}"
        )
    return tiles


def features_and_logits(job: ExemplarJob, tiles: ReadableTiles) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield features [B, D] and logits [B, K] of ``tiles`` in order, on the job's device.

    A feature is the mean of a channel of the last convolutional map over the tile.
    """
    for images in tiles.batches(job.batch, torch.device(job.device)):
        with torch.no_grad():
            features, logits = job.model.with_features(images)
        yield features.mean((2, 3)), logits
        job.advance(len(images))

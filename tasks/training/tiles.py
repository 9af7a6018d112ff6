"""The tiles that a training may see, and how a batch of them reaches the device."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.artifacts.tile_set import MIXED, Pixels, TileSet
from tasks.functional.pixels import channels_last_images
from tasks.training.errors import TrainingDataError

Positions = NDArray[np.intp]
Roles = Mapping[str, str]
"""{slide id: split} in a fold."""


@dataclass(frozen=True)
class LabelledTiles:
    """N usable, labelled tiles of one split, in order of slide and row; pixels stay on disk until asked for.

    ``slides`` and ``rows`` [N] say where in ``pixels`` a tile lies; ``labels`` are class indices, int64 [N].
    """

    pixels: tuple[Pixels, ...]
    slides: Positions
    rows: Positions
    labels: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def gather(self, positions: Positions) -> Tensor:
        """Return uint8 [B, H, W, 3] on the CPU."""
        out = np.empty((len(positions), *self.pixels[0].shape[1:]), np.uint8)
        for slide in np.unique(self.slides[positions]):
            here = np.flatnonzero(self.slides[positions] == slide)
            out[here] = self.pixels[slide][self.rows[positions[here]]]
        return torch.from_numpy(out)

    def batches(
        self, order: Positions, size: int, device: torch.device
    ) -> Iterator[tuple[Tensor, Positions]]:
        """Yield float32 [B, 3, H, W] in [0, 1] on ``device`` with their positions; the last may be smaller.

        The next batch is read while the caller works on this one, without waiting for an accelerator.
        """
        parts = [order[start : start + size] for start in range(0, len(order), size)]
        read = self._gather_pinned if device.type == "cuda" else self.gather
        with ThreadPoolExecutor(max_workers=1) as reader:
            coming = reader.submit(read, parts[0])
            for index, part in enumerate(parts):
                images = coming.result()
                if index + 1 < len(parts):
                    coming = reader.submit(read, parts[index + 1])
                yield channels_last_images(images.to(device, non_blocking=True)), part

    def _gather_pinned(self, positions: Positions) -> Tensor:
        """Gather into pinned memory, from which a copy to an accelerator is asynchronous."""
        return self.gather(positions).pin_memory()


def slide_of(tiles: TileSet) -> str:
    """Return the slide id of ``tiles``."""
    return str(tiles.table["slide_id"].iloc[0])


def split_of(tiles: TileSet, roles: Roles | None) -> str:
    """Return the split of a slide: its role in the fold, without ``roles`` that of the manifest.

    Raises:
        TrainingDataError: the slide has no role.
    """
    if roles is None:
        return str(tiles.table["split"].iloc[0])
    slide = slide_of(tiles)
    if slide not in roles:
        raise TrainingDataError(f"slide {slide!r} has no role in this fold")
    return roles[slide]


def labelled_tiles(
    tile_sets: Sequence[TileSet], split: str, classes: tuple[str, ...], roles: Roles | None = None
) -> LabelledTiles:
    """Return the tiles of ``split`` that could be read and bear one of ``classes``; mixed ones do not.

    Args:
        tile_sets: one per slide.
        split: the wanted one.
        classes: class names in the order of their indices.
        roles: {slide id: split} in a fold; without it slides have the split of the manifest.

    Raises:
        TrainingDataError: a label that is no class, a class without tiles, or tiles of different sizes.
    """
    chosen = [tiles for tiles in tile_sets if len(tiles.table) and split_of(tiles, roles) == split]
    chosen.sort(key=slide_of)
    rows = [_rows(tiles, classes) for tiles in chosen]
    labels = [_label_indices(tiles, row, classes) for tiles, row in zip(chosen, rows, strict=True)]
    found = LabelledTiles(
        pixels=tuple(tiles.pixels for tiles in chosen),
        slides=np.repeat(np.arange(len(chosen)), [len(row) for row in rows]),
        rows=np.concatenate(rows) if rows else np.empty(0, np.intp),
        labels=torch.from_numpy(np.concatenate(labels)) if labels else torch.empty(0, dtype=torch.int64),
    )
    _check(found, split, classes)
    return found


def _rows(tiles: TileSet, classes: tuple[str, ...]) -> Positions:
    table = tiles.table
    strange = sorted(set(table["label"]) - {*classes, MIXED, ""})
    if strange:
        slide = table["slide_id"].iloc[0]
        raise TrainingDataError(
            f"slide {slide!r} has tiles labelled {strange}; training knows the classes {list(classes)}"
        )
    return np.flatnonzero(((table["state"] == "ok") & table["label"].isin(classes)).to_numpy())


def _label_indices(tiles: TileSet, rows: Positions, classes: tuple[str, ...]) -> NDArray[np.int64]:
    index = {name: number for number, name in enumerate(classes)}
    return np.array([index[label] for label in tiles.table["label"].iloc[rows]], dtype=np.int64)


def _check(tiles: LabelledTiles, split: str, classes: tuple[str, ...]) -> None:
    counts = torch.bincount(tiles.labels, minlength=len(classes)).tolist()
    found = dict(zip(classes, counts, strict=True))
    absent = [name for name, count in found.items() if count == 0]
    if absent:
        raise TrainingDataError(f"split {split!r} has no usable tile of class {absent}; it has {found}")
    shapes = {pixels.shape[1:] for pixels in tiles.pixels}
    if len(shapes) > 1:
        raise TrainingDataError(
            f"split {split!r} mixes tiles of shapes {sorted(shapes)}; one shape is needed"
        )

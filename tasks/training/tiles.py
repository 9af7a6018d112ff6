"""The tiles that a training may see, and how a batch of them reaches the device."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.artifacts.feature_set import FeatureSet
from tasks.artifacts.tile_array import TileArray
from tasks.artifacts.tile_set import MIXED, TileSet
from tasks.functional.ahead import read_ahead
from tasks.functional.pixels import channels_last_images
from tasks.functional.staging import staged
from tasks.training.errors import TrainingDataError
from tasks.training.resources import TrainingResources
from tasks.training.tile_cache import TileCache

Positions = NDArray[np.intp]
Roles = Mapping[str, str]
"""{slide id: split} in a fold."""

Tiled = TypeVar("Tiled", TileSet, FeatureSet)
"""The tiles of one slide, as pixels or as features."""

_DEFAULT = TrainingResources()

_AT_ONCE = 256


@dataclass(frozen=True)
class LabelledTiles:
    """N usable, labelled tiles of one split, in order of slide and row; pixels stay on disk until asked for.

    ``slides`` and ``rows`` [N] say where in ``pixels`` a tile lies; ``labels`` are class indices, int64 [N].
    Of tiles that are read from slides, ``cache_mb`` megabytes stay in memory: the next epoch asks for them
    again. ``prefetch`` batches of them are read at once, while the caller works on another.
    """

    pixels: tuple[TileArray, ...]
    slides: Positions
    rows: Positions
    labels: Tensor
    cache_mb: int = _DEFAULT.cache_mb
    prefetch: int = _DEFAULT.prefetch

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def noun(self) -> Literal["tiles"]:
        """What one sample is, in the plural."""
        return "tiles"

    @property
    def at_once(self) -> int:
        """How many are judged at once."""
        return _AT_ONCE

    @property
    def on_demand(self) -> bool:
        """Whether any pixels are read from a slide."""
        return any(not isinstance(pixels, np.ndarray) for pixels in self.pixels)

    def gather(self, positions: Positions) -> Tensor:
        """Return uint8 [B, H, W, 3] on the CPU. Several threads may call it at once."""
        out = np.empty((len(positions), *self.pixels[0].shape[1:]), np.uint8)
        if self._cache is None:
            self._read(positions, out)
            return torch.from_numpy(out)
        absent = np.flatnonzero(~self._cache.take(positions, out))
        if len(absent):
            fresh = np.empty((len(absent), *out.shape[1:]), np.uint8)
            self._read(positions[absent], fresh)
            self._cache.keep(positions[absent], fresh)
            out[absent] = fresh
        return torch.from_numpy(out)

    def batches(
        self, order: Positions, size: int, device: torch.device
    ) -> Iterator[tuple[Tensor, Positions]]:
        """Yield float32 [B, 3, H, W] in [0, 1] on ``device`` with their positions; the last may be smaller.

        The next batches are read while the caller works on this one, without waiting for an accelerator.
        """
        parts = [order[start : start + size] for start in range(0, len(order), size)]
        read = read_ahead(self.gather, parts, self.prefetch if self.on_demand else 1)
        for images, part in staged(zip(read, parts, strict=True), device, self.prefetch):
            yield channels_last_images(images), part

    @cached_property
    def _cache(self) -> TileCache | None:
        if not (self.on_demand and self.cache_mb):
            return None
        return TileCache(len(self), self.pixels[0].shape[1:], self.cache_mb)

    def _read(self, positions: Positions, out: NDArray[np.uint8]) -> None:
        """Read the tiles at ``positions`` into ``out``, slide by slide."""
        slides = self.slides[positions]
        for slide in np.unique(slides):
            here = np.flatnonzero(slides == slide)
            out[here] = self.pixels[slide][self.rows[positions[here]]]


def slide_of(tiles: TileSet | FeatureSet) -> str:
    """Return the slide id of ``tiles``."""
    return tiles.facts.slide_id


def split_of(tiles: TileSet | FeatureSet, roles: Roles | None) -> str:
    """Return the split of a slide: its role in the fold, without ``roles`` that of the manifest.

    Raises:
        TrainingDataError: the slide has no role.
    """
    if roles is None:
        return tiles.facts.split
    slide = slide_of(tiles)
    if slide not in roles:
        raise TrainingDataError(f"slide {slide!r} has no role in this fold")
    return roles[slide]


def of_split(sets: Iterable[Tiled], split: str, roles: Roles | None) -> list[Tiled]:
    """Return the slides of ``split`` that have tiles, in order of their ids."""
    chosen = [each for each in sets if each.facts.count and split_of(each, roles) == split]
    return sorted(chosen, key=slide_of)


def refuse_absent(labels: Tensor, split: str, classes: Sequence[str], what: str) -> None:
    """Refuse ``labels`` int64 [N] in which a class is absent; ``what`` names one sample.

    Raises:
        TrainingDataError: naming the classes that are absent and how many samples the others have.
    """
    counts = torch.bincount(labels, minlength=len(classes)).tolist()
    found = dict(zip(classes, counts, strict=True))
    absent = [name for name, count in found.items() if count == 0]
    if absent:
        raise TrainingDataError(f"split {split!r} has no {what} of class {absent}; it has {found}")


def labelled_tiles(
    tile_sets: Sequence[TileSet],
    split: str,
    classes: tuple[str, ...],
    roles: Roles | None = None,
    resources: TrainingResources = _DEFAULT,
) -> LabelledTiles:
    """Return the tiles of ``split`` that could be read and bear one of ``classes``; mixed ones do not.

    Args:
        tile_sets: one per slide.
        split: the wanted one.
        classes: class names in the order of their indices.
        roles: {slide id: split} in a fold; without it slides have the split of the manifest.
        resources: how much is read ahead and stays in memory.

    Raises:
        TrainingDataError: a label that is no class, a class without tiles, or tiles of different sizes.
    """
    chosen = of_split(tile_sets, split, roles)
    rows, labels = [], []
    for tiles in chosen:
        # Only what is needed of each table: a cohort has millions of tiles.
        table = tiles.columns("state", "label")
        rows.append(_rows(table, tiles.facts.slide_id, classes))
        labels.append(_label_indices(table, rows[-1], classes))
    found = LabelledTiles(
        pixels=tuple(tiles.pixels for tiles in chosen),
        slides=np.repeat(np.arange(len(chosen)), [len(row) for row in rows]),
        rows=np.concatenate(rows) if rows else np.empty(0, np.intp),
        labels=torch.from_numpy(np.concatenate(labels)) if labels else torch.empty(0, dtype=torch.int64),
        cache_mb=resources.cache_mb,
        prefetch=resources.prefetch,
    )
    _check(found, split, classes)
    return found


def _rows(table: pd.DataFrame, slide: str, classes: tuple[str, ...]) -> Positions:
    strange = sorted(set(table["label"]) - {*classes, MIXED, ""})
    if strange:
        raise TrainingDataError(
            f"slide {slide!r} has tiles labelled {strange}; training knows the classes {list(classes)}"
        )
    return np.flatnonzero(((table["state"] == "ok") & table["label"].isin(classes)).to_numpy())


def _label_indices(table: pd.DataFrame, rows: Positions, classes: tuple[str, ...]) -> NDArray[np.int64]:
    found: NDArray[np.int64] = pd.Index(classes).get_indexer(pd.Index(table["label"].iloc[rows]))
    return found.astype(np.int64)


def _check(tiles: LabelledTiles, split: str, classes: tuple[str, ...]) -> None:
    refuse_absent(tiles.labels, split, classes, "usable tile")
    shapes = {pixels.shape[1:] for pixels in tiles.pixels}
    if len(shapes) > 1:
        raise TrainingDataError(
            f"split {split!r} mixes tiles of shapes {sorted(shapes)}; one shape is needed"
        )

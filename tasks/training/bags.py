"""The bags that a training may see, and how a batch of them reaches the device."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.artifacts.feature_set import FeatureSet
from tasks.functional.ahead import read_ahead
from tasks.functional.staging import staged
from tasks.samples.inputs import Bags
from tasks.training.errors import TrainingDataError
from tasks.training.resources import TrainingResources
from tasks.training.tiles import Positions, Roles, of_split, refuse_absent, slide_of

_DEFAULT = TrainingResources()
_FLOAT_BYTES = 4

SlideRows = tuple[int, Positions]
"""A slide by its number, and the rows of its tiles that are wanted, ascending."""


class FeatureStore:
    """The features of some slides, read from disk when they are asked for.

    Where all of them need at most half of ``cache_mb`` megabytes they stay in memory once read; otherwise
    none does, so memory does not grow with the cohort. The other half is for batches on their way. Several
    threads may read at once.
    """

    def __init__(self, sets: Sequence[FeatureSet], cache_mb: int) -> None:
        self.sets = tuple(sets)
        self.counts = np.array([each.facts.count for each in sets], dtype=np.int64)
        self.dim = sets[0].facts.dim if sets else 0
        self._fits = int(self.counts.sum()) * self.dim * _FLOAT_BYTES <= cache_mb * 2**19
        self._kept: dict[int, NDArray[np.float32]] = {}

    def rows(self, slide: int, rows: Positions) -> NDArray[np.float32]:
        """Return float32 [n, D] of some tiles of one slide."""
        if not self._fits:
            return self.sets[slide].features(rows)
        if slide not in self._kept:
            self._kept[slide] = self.sets[slide].features()
        return self._kept[slide][rows]

    def bags(self, wanted: Sequence[SlideRows], length: int) -> tuple[Tensor, Tensor]:
        """Return features [B, length, D], 0 on padding, and the mask [B, length]."""
        features = np.zeros((len(wanted), length, self.dim), np.float32)
        mask = np.zeros((len(wanted), length), bool)
        for place, (slide, rows) in enumerate(wanted):
            features[place, : len(rows)] = self.rows(slide, rows)
            mask[place, : len(rows)] = True
        return torch.from_numpy(features), torch.from_numpy(mask)


@dataclass(frozen=True)
class Wanted:
    """One batch before it is read: its bags, the length that they are padded to, and their positions."""

    bags: tuple[SlideRows, ...]
    length: int
    positions: Positions


def read_bags(
    store: FeatureStore, wanted: Sequence[Wanted], device: torch.device, prefetch: int
) -> Iterator[tuple[Bags, Positions]]:
    """Yield bags on ``device`` with their positions. The next ones are read while the caller works."""
    read = read_ahead(lambda batch: store.bags(batch.bags, batch.length), wanted, prefetch)
    pairs = (
        (features, (mask, batch.positions)) for (features, mask), batch in zip(read, wanted, strict=True)
    )
    for features, (mask, positions) in staged(pairs, device, prefetch):
        yield Bags(features, mask.to(device, non_blocking=True)), positions


@dataclass(frozen=True)
class LabelledBags:
    """The slides of one split that have tiles, in order of their ids, each with the label of the slide."""

    store: FeatureStore
    labels: Tensor
    prefetch: int = _DEFAULT.prefetch

    @property
    def noun(self) -> Literal["slides"]:
        """What one sample is, in the plural."""
        return "slides"

    @property
    def at_once(self) -> int:
        """How many are judged at once: a whole slide may be large."""
        return 1

    def __len__(self) -> int:
        return len(self.labels)

    def rows_of(self, position: int) -> SlideRows:
        """Return all tiles of one slide."""
        return position, np.arange(self.store.counts[position], dtype=np.intp)

    def batches(self, order: Positions, size: int, device: torch.device) -> Iterator[tuple[Bags, Positions]]:
        """Yield whole bags, ``size`` at a time, with their positions."""
        groups = [order[start : start + size] for start in range(0, len(order), size)]
        wanted = [
            Wanted(tuple(self.rows_of(int(p)) for p in group), int(self.store.counts[group].max()), group)
            for group in groups
        ]
        yield from read_bags(self.store, wanted, device, self.prefetch)


@dataclass(frozen=True)
class LabelledFeatures:
    """The labelled tiles of one split as bags of one tile, slide by slide."""

    store: FeatureStore
    slides: Positions
    rows: Positions
    labels: Tensor
    prefetch: int = _DEFAULT.prefetch

    @property
    def noun(self) -> Literal["tiles"]:
        """What one sample is, in the plural."""
        return "tiles"

    @property
    def at_once(self) -> int:
        """How many are judged at once."""
        return 256

    def __len__(self) -> int:
        return len(self.labels)

    def rows_of(self, position: int) -> SlideRows:
        """Return one tile."""
        return int(self.slides[position]), self.rows[position : position + 1]

    def batches(self, order: Positions, size: int, device: torch.device) -> Iterator[tuple[Bags, Positions]]:
        """Yield bags of one tile, ``size`` at a time, with their positions."""
        groups = [order[start : start + size] for start in range(0, len(order), size)]
        wanted = [Wanted(tuple(self.rows_of(int(p)) for p in group), 1, group) for group in groups]
        yield from read_bags(self.store, wanted, device, self.prefetch)


@dataclass(frozen=True)
class Split:
    """The slides of one split, before anybody asks whose labels are wanted."""

    name: str
    sets: tuple[FeatureSet, ...]
    classes: tuple[str, ...]
    resources: TrainingResources = _DEFAULT

    @cached_property
    def store(self) -> FeatureStore:
        """Their features."""
        return FeatureStore(self.sets, self.resources.cache_mb)

    def bags(self) -> LabelledBags:
        """Return the slides with their own labels.

        Raises:
            TrainingDataError: a slide has no label that is a class, or a class has no slide.
        """
        strange = [each for each in self.sets if each.facts.label not in self.classes]
        if strange:
            raise TrainingDataError(
                f"slide {slide_of(strange[0])!r} has the label {strange[0].facts.label!r}; a slide model "
                f"knows the classes {list(self.classes)}"
            )
        labels = torch.tensor([self.classes.index(each.facts.label) for each in self.sets], dtype=torch.int64)
        refuse_absent(labels, self.name, self.classes, "slide")
        return LabelledBags(self.store, labels, self.resources.prefetch)

    def tiles(self) -> LabelledFeatures:
        """Return their labelled tiles.

        Raises:
            TrainingDataError: a class has no labelled tile.
        """
        slides, rows, labels = [], [], []
        for number, each in enumerate(self.sets):
            own = each.labels(self.classes)
            rows.append(np.flatnonzero(own >= 0))
            labels.append(own[rows[-1]])
            slides.append(np.full(len(rows[-1]), number, dtype=np.intp))
        none = [np.empty(0, np.int64)]
        found = torch.from_numpy(np.concatenate(labels or none))
        refuse_absent(found, self.name, self.classes, "labelled tile")
        places = np.concatenate(slides or none), np.concatenate(rows or none)
        return LabelledFeatures(self.store, *places, found, self.resources.prefetch)


def split_bags(
    sets: Sequence[FeatureSet],
    split: str,
    classes: tuple[str, ...],
    roles: Roles | None = None,
    resources: TrainingResources = _DEFAULT,
) -> Split:
    """Return the slides of ``split`` that have tiles, in order of their ids.

    Args:
        sets: one per slide.
        split: the wanted one.
        classes: class names in the order of their indices.
        roles: {slide id: split} in a fold; without it slides have the split of the manifest.
        resources: how much is read ahead and stays in memory.
    """
    return Split(split, tuple(of_split(sets, split, roles)), classes, resources)

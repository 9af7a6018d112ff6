"""Bags that go through a network together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tasks.artifacts.feature_set import FeatureSet
from tasks.samples.inputs import ABOUT, Bags

TOGETHER = 1 << 13
"""Tiles, padding included, that go through the network at once; a bag of more goes alone."""
MOST_BAGS = 256
"""Bags that go through the network at once."""


def grouped(counts: Sequence[int]) -> list[list[int]]:
    """Return the positions of bags of ``counts`` tiles in groups that go through the network together."""
    groups: list[list[int]] = []
    for position in np.argsort(counts, kind="stable").tolist():
        fits = groups and len(groups[-1]) < MOST_BAGS
        # Sorted by size, so this one is the longest and decides how much is padded.
        if fits and (len(groups[-1]) + 1) * max(1, counts[position]) <= TOGETHER:
            groups[-1].append(position)
        else:
            groups.append([position])
    return groups


@dataclass(frozen=True)
class PaddedBags:
    """Bags in memory, padded to one length: features [B, N, D], mask [B, N] and facts [B, N, 4]."""

    features: NDArray[np.float32]
    mask: NDArray[np.bool_]
    about: NDArray[np.float32]

    def on(self, device: torch.device) -> Bags:
        """Return them on the device."""
        tensors = (torch.from_numpy(array).to(device) for array in (self.features, self.mask, self.about))
        return Bags(*tensors)


def read_bags(sets: Sequence[FeatureSet], facts: bool = True) -> PaddedBags:
    """Read whole bags. There is room for one tile at least, so that an empty bag has a shape.

    Nothing here is PyTorch's: a thread that reads ahead would bring OpenMP threads of its own. Without
    ``facts`` what is known of tiles beside their features is not read, and NaN.
    """
    counts = [each.facts.count for each in sets]
    length = max(1, *counts)
    features = np.zeros((len(sets), length, sets[0].facts.dim), np.float32)
    about = np.full((len(sets), length, len(ABOUT)), np.nan, np.float32)
    for number, (each, count) in enumerate(zip(sets, counts, strict=True)):
        features[number, :count] = each.features()
        if facts:
            about[number, :count] = each.about()
    return PaddedBags(features, np.arange(length)[None] < np.array(counts)[:, None], about)

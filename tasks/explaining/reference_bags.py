"""Bags of other slides that tiles are compared with."""

from collections.abc import Sequence

import numpy as np
import torch

from tasks.artifacts.feature_set import FeatureSet
from tasks.explainers.base import ExplanationError
from tasks.functional.noise import content_keys
from tasks.functional.tile_keys import tile_keys
from tasks.samples.inputs import Bags

MOST_SLIDES = 32
"""Slides that references are drawn from."""
MOST_TILES_OF_A_SLIDE = 256
"""Tiles of each."""


def chosen_slides(slides: Sequence[str]) -> list[str]:
    """Return at most :data:`MOST_SLIDES` of ``slides``: those whose ids have the lowest hashes."""
    order = np.argsort(tile_keys(slides).numpy(), kind="stable")
    return sorted(slides[position] for position in order[:MOST_SLIDES].tolist())


def reference_bags(sets: Sequence[FeatureSet], device: torch.device) -> Bags:
    """Return the bags of ``sets`` that have tiles, each with the tiles of lowest hashes of their features.

    Raises:
        ExplanationError: none of them has tiles.
    """
    kept = [_some_tiles(each) for each in sets if each.facts.count]
    if not kept:
        raise ExplanationError(f"none of the {len(sets)} reference slides has tiles to compare with")
    length = max(len(tiles) for tiles in kept)
    features = torch.zeros(len(kept), length, kept[0].shape[1])
    for number, tiles in enumerate(kept):
        features[number, : len(tiles)] = tiles
    mask = torch.arange(length)[None] < torch.tensor([len(tiles) for tiles in kept])[:, None]
    return Bags(features.to(device), mask.to(device))


def _some_tiles(features: FeatureSet) -> torch.Tensor:
    tiles = torch.from_numpy(features.features())
    if len(tiles) <= MOST_TILES_OF_A_SLIDE:
        return tiles
    return tiles[content_keys(tiles).argsort()[:MOST_TILES_OF_A_SLIDE].sort().values]

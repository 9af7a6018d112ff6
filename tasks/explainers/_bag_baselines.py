"""Baselines of bags: what stands for a tile with nothing in it."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from tasks.explainers._bags import mean_of_features, needed
from tasks.functional.noise import seed_of, uniform
from tasks.samples.inputs import Bags
from tasks.samples.tile_names import named

BagBaseline = Literal["mean", "reference_bags"]
"""``mean``: the mean of the training features. ``reference_bags``: tiles of training bags of other
classes."""


def mean_bags(model: nn.Module, bags: Bags) -> Bags:
    """Return bags of as many tiles, each the mean of the training features.

    Raises:
        ExplanationError: the model does not carry it.
    """
    mean = needed(mean_of_features(model, bags.features.shape[2]), "mean", model, "the baseline 'mean'")
    return bags._replace(features=mean.to(bags.features).expand_as(bags.features))


@dataclass(frozen=True)
class ReferenceTiles:
    """Tiles of R other bags. ``bags`` holds them padded to one length; none is empty."""

    bags: Bags

    def drawn(self, bags: Bags, draw: int) -> Bags:
        """Return ``bags`` with each tile replaced by one of a single other bag, drawn with replacement.

        Which bag depends on (the tiles of the bag, draw), and which tile on (the tile, draw).
        """
        own = named(bags)
        keys = own.tile_keys if own.tile_keys is not None else torch.zeros_like(bags.mask, dtype=torch.int64)
        # A sum over tiles: their order changes nothing. It may wrap around.
        whole = torch.where(bags.mask, keys, 0).sum(1)
        others = self.bags.features.to(bags.features)
        sizes = self.bags.mask.sum(1).to(bags.mask.device)
        which = _pick(uniform(seed_of("reference bag"), whole, draw, ()), torch.tensor(len(others)))
        part = uniform(seed_of("reference tile"), keys.flatten(), draw, ()).view_as(keys)
        tile = _pick(part, sizes[which][:, None])
        return bags._replace(features=others[which[:, None], tile])


def _pick(part: Tensor, count: Tensor) -> Tensor:
    """Return int64: the position of each ``part`` in (0, 1) among ``count``."""
    return (part * count.to(part.device)).long()

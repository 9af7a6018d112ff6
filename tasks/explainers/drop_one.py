"""What the margin loses when one tile goes."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from tasks.explainers._pooled import terms_of
from tasks.explainers.base import Explainer, Kind
from tasks.functional.gradients import target_margin
from tasks.functional.passes import Passes
from tasks.functional.pixels import spans
from tasks.functional.pooled_curves import drop_one
from tasks.functional.pooled_terms import pools
from tasks.samples.axes import Input, Support
from tasks.samples.inputs import Bags, ask

_AT_ONCE = 1 << 22
"""Features that go through the network at once."""


class DropOne(Explainer):
    """The margin of the bag minus that of the bag without this tile.

    Where many tiles show the same, none is missed: the values are small though the tiles decide. Where the
    logits are a weighted mean, all tiles take one pass and sums in float64; other models are asked about
    every bag that lacks a tile. A bag of one tile has no value: without it nothing is left.
    """

    source: ClassVar[str] = (
        "leave one out: Early et al. (2022), arXiv:2201.11701 ('one removed'); the closed form for a "
        "weighted mean is ours"
    )
    accepts: ClassVar[frozenset[Input]] = frozenset({"features"})
    support: ClassVar[Support] = "tile"
    kind: ClassVar[Kind] = "contribution"

    def unavailable(self, bags: Bags) -> list[str]:
        """Say so of bags of one tile."""
        alone = (bags.mask.sum(1) == 1).tolist()
        return ["the bag has one tile, and without it nothing is left to compare with" * one for one in alone]

    def attribute(self, model: nn.Module, bags: Bags, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the losses [B, N]."""
        if pools(model):
            return drop_one(terms_of(model, bags), targets).to(bags.features.dtype)
        whole = target_margin(ask(model, bags), targets)
        values = torch.zeros_like(bags.features[:, :, 0])
        for number, mask in enumerate(bags.mask):
            without = _margins_without_each(model, bags.features[number, mask], targets[number])
            values[number, mask] = whole[number] - without
        return values

    def passes(self) -> Passes:
        """One forward; of a model that mixes its tiles one more for each tile."""
        return Passes(forward=1)


def _margins_without_each(model: nn.Module, tiles: Tensor, target: Tensor) -> Tensor:
    """Return the margins [N] of a bag of ``tiles`` [N, D] without each of them."""
    count = len(tiles)
    left = ~torch.eye(count, dtype=torch.bool, device=tiles.device)
    margins = [
        target_margin(
            ask(model, Bags(tiles.expand(len(left[part]), -1, -1), left[part])),
            target.expand(len(left[part])),
        )
        for part in spans(count, max(1, _AT_ONCE // max(1, tiles.numel())))
    ]
    return torch.cat(margins) if margins else tiles.new_empty(0)

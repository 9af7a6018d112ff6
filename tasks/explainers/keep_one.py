"""What each tile alone adds to an empty bag."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from tasks.explainers._pooled import terms_of
from tasks.explainers.base import Explainer, Kind
from tasks.functional.gradients import target_margin
from tasks.functional.passes import Passes
from tasks.functional.pixels import spans
from tasks.functional.pooled_curves import keep_one
from tasks.functional.pooled_terms import pools
from tasks.samples.axes import Input, Support
from tasks.samples.inputs import Bags, ask

_AT_ONCE = 1 << 22
"""Features that go through the network at once."""


class KeepOne(Explainer):
    """The margin of a bag that holds this tile and no other, minus that of an empty bag.

    It says what the tile shows by itself. The values do not sum to the margin of the bag. A bag of one tile
    is outside of what a model was trained on, unless tiles were dropped in training. Where the logits are a
    weighted mean it is the vote of the tile. For other models all bags of one tile go through the network,
    which together is about one forward pass.
    """

    source: ClassVar[str] = (
        "the 'single' baseline of Early et al. (2022), arXiv:2201.11701 (MILLI), and of Hense et al. (2024), "
        "arXiv:2406.04280"
    )
    accepts: ClassVar[frozenset[Input]] = frozenset({"features"})
    support: ClassVar[Support] = "tile"
    kind: ClassVar[Kind] = "contribution"

    def attribute(self, model: nn.Module, bags: Bags, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the margins [B, N]."""
        if pools(model):
            return keep_one(terms_of(model, bags), targets).to(bags.features.dtype)
        rows = bags.features[bags.mask][:, None]
        asked = targets[:, None].expand_as(bags.mask)[bags.mask]
        alone = [
            target_margin(
                ask(model, Bags(rows[part], torch.ones_like(asked[part], dtype=torch.bool)[:, None])),
                asked[part],
            )
            for part in spans(len(rows), max(1, _AT_ONCE // rows.shape[2]))
        ]
        values = torch.zeros_like(bags.features[:, :, 0])
        empty = target_margin(ask(model, bags._replace(mask=torch.zeros_like(bags.mask))), targets)
        values[bags.mask] = torch.cat(alone) if alone else values.new_empty(0)
        return values - empty[:, None]

    def passes(self) -> Passes:
        """One forward; of a model that mixes its tiles one more for each tile, of that tile alone."""
        return Passes(forward=1)

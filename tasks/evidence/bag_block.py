"""Some bags on the device."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from tasks.artifacts.tile_set import Mark
from tasks.evidence.sources import Rows
from tasks.functional.noise import derived_keys
from tasks.functional.tile_keys import tile_keys
from tasks.samples.inputs import Bags


@dataclass(frozen=True)
class BagBlock:
    """Some bags on the device, padded to one length; an element is a tile.

    ``targets`` and ``keys`` int64 [B]. ``scores`` holds float32 [B, N] per explainer and ``errors`` its
    completeness errors float64 [B]. ``tile_classes`` int64 [B, N] is the class of each tile, -1 on padding
    and where it is not known; None where nobody knows it of any tile. ``marks`` float32 [B, N] is, for each
    known mark, the fraction of each tile that it covers, NaN where nobody marked the slide. ``ids`` are
    the ids of the tiles.
    """

    rows: Rows
    bags: Bags
    targets: Tensor
    keys: Tensor
    scores: Mapping[str, Tensor]
    errors: Mapping[str, Tensor]
    tile_classes: Tensor | None = None
    marks: Mapping[Mark, Tensor] = field(default_factory=dict)
    ids: tuple[Sequence[str], ...] | None = None

    @property
    def inputs(self) -> Bags:
        """The bags."""
        return self.bags

    @property
    def element_count(self) -> int:
        """The tiles of the longest bag, N."""
        return self.bags.mask.shape[1]

    @property
    def elements(self) -> Tensor:
        """Bool [B, N], True on real tiles."""
        return self.bags.mask

    @cached_property
    def kept(self) -> dict[Hashable, Tensor]:
        """Results computed from the bags alone, by name; they live as long as the block."""
        return {}

    @cached_property
    def tile_keys(self) -> Tensor:
        """int64 [B, N], the only source of randomness per tile; 0 on padding.

        They are made of the ids; where there are none, of the bag and the place in it.
        """
        if self.ids is None:
            places = derived_keys(0, torch.arange(self.element_count, device=self.keys.device), 0)
            keys = self.keys[:, None] ^ places
        else:
            each = [tile_keys(ids) for ids in self.ids]
            keys = pad_sequence(each, batch_first=True).to(self.keys.device)
        return torch.where(self.elements, keys, 0)

    def attributions(self, explainer_id: str) -> Tensor:
        """Return float32 [B, N]; 0 on padding."""
        return torch.where(self.elements, self.scores[explainer_id], 0.0)

    def completeness_errors(self, explainer_id: str) -> Tensor:
        """Return float64 [B]; NaN where the explainer names no reference."""
        missing = torch.full((len(self.rows),), torch.nan, dtype=torch.float64, device=self.keys.device)
        return self.errors.get(explainer_id, missing)

    def halo_sums(self, explainer_id: str) -> Tensor:
        """Return zeros, float64 [B]: scores of tiles have no halo."""
        return torch.zeros_like(self.completeness_errors(explainer_id))

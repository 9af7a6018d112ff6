"""Controls that look at what is known of tiles beside their features."""

from typing import ClassVar

import torch
from torch import Tensor

from tasks.explainers._controls import BlindControl
from tasks.samples.axes import Input, Support
from tasks.samples.inputs import ABOUT, Bags


class FactControl(BlindControl):
    """A blind control of bags that needs some of :data:`tasks.samples.inputs.ABOUT` of every tile.

    Features that were made elsewhere may come without pixels. A bag with a tile of which a fact is not
    known has no values, and a sentence says why.
    """

    accepts: ClassVar[frozenset[Input]] = frozenset({"features"})
    support: ClassVar[Support] = "tile"
    signed: ClassVar[bool] = False
    facts: ClassVar[tuple[str, ...]]
    """What it needs, by the names of :data:`tasks.samples.inputs.ABOUT`."""

    def unavailable(self, bags: Bags) -> list[str]:
        """Name the facts that are not known of every tile."""
        unknown = {name: self._unknown(bags, name) for name in self.facts}
        missing = [[name for name, ofs in unknown.items() if ofs[number]] for number in range(len(bags.mask))]
        return [f"{' and '.join(names)} not known of every tile" if names else "" for names in missing]

    def fact(self, bags: Bags, name: str) -> Tensor:
        """Return one fact [B, N]; 0 on padding, and where it is not known."""
        if bags.about is None:
            return torch.zeros_like(bags.features[:, :, 0])
        return torch.where(bags.mask, bags.about[:, :, ABOUT.index(name)].nan_to_num(0.0), 0.0)

    def _unknown(self, bags: Bags, name: str) -> list[bool]:
        if bags.about is None:
            return [True] * len(bags.mask)
        values = bags.about[:, :, ABOUT.index(name)]
        unknown: list[bool] = (~torch.isfinite(values) & bags.mask).any(1).tolist()
        return unknown

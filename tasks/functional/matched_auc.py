"""The area under the ROC curve among pixels of equal darkness: what a map knows beyond it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from tasks.functional.midranks import midranks

FEWEST = 20
"""Of pixels in a stratum; with few of them hardly a pair is left."""

_PAIRS_AT_ONCE = 1 << 22
"""Bounds the memory; changes no number."""


def matched_auc(values: Tensor, matched: Tensor, mask: Tensor, inside: Tensor, strata: int) -> Tensor:
    """Return float64 [B]: how often a pixel on the mask is above one off it of about the same ``matched``.

    Pairs are compared within a stratum of ``matched``, and in each stratum so that what is left of
    ``matched`` cannot decide: pairs whose pixel on the mask has more of it and pairs whose pixel has less
    count half each. Pairs with equally much count as they are. So any strictly rising or falling function of
    ``matched`` scores exactly 0.5. A stratum weighs the pairs that it compares: those that are equal, and
    twice the smaller of the other two numbers. NaN where no pair is left.

    Args:
        values: float [B, P], finite.
        matched: float [B, P], finite, such as the optical density.
        mask: bool [B, P].
        inside: bool [B, P].
        strata: largest number of strata, of equally many inside pixels but for ties; there are fewer where
            they would hold fewer than ``FEWEST``.

    Source: the Mann-Whitney form of the area, Hanley and McNeil (1982), within strata of a covariate as by
    Janes and Pepe (2008, "Matching in studies of classification accuracy"); the halves are ours.
    """
    ranks = midranks(matched.masked_fill(~inside, -torch.inf)) - (~inside).sum(1, keepdim=True)
    count = inside.sum(1, keepdim=True)
    most = (count // FEWEST).clamp(1, strata)
    stratum = ((ranks - 1) * most / count).long().clamp(0, strata - 1)
    found = [_row(*each, strata) for each in zip(values, matched, mask, inside, stratum, strict=True)]
    return torch.stack(found) if found else values.new_zeros(0, dtype=torch.float64)


@dataclass
class _Counts:
    """Pairs, and how many of them the pixel on the mask wins, ties half."""

    pairs: float = 0.0
    won: float = 0.0

    def add(self, wins: Tensor, chosen: Tensor) -> None:
        self.pairs += float(chosen.sum())
        self.won += float((wins * chosen).sum())


def _row(
    values: Tensor, matched: Tensor, mask: Tensor, inside: Tensor, stratum: Tensor, strata: int
) -> Tensor:
    weight, total = 0.0, 0.0
    for number in range(strata):
        here = inside & (stratum == number)
        on, off = here & mask, here & ~mask
        equal, more, less = _compared(values[on], matched[on], values[off], matched[off])
        both = 2 * min(more.pairs, less.pairs)
        if both:
            weight += both
            total += both * (more.won / more.pairs + less.won / less.pairs) / 2
        weight, total = weight + equal.pairs, total + equal.won
    result = total / weight if weight else torch.nan
    return torch.tensor(result, dtype=torch.float64, device=values.device)


def _compared(on: Tensor, matched_on: Tensor, off: Tensor, matched_off: Tensor) -> tuple[_Counts, ...]:
    """Return the pairs of equal ``matched``, and those where the pixel on the mask has more, and less."""
    equal, more, less = _Counts(), _Counts(), _Counts()
    if len(on) == 0 or len(off) == 0:
        return equal, more, less
    step = max(1, _PAIRS_AT_ONCE // len(off))
    for first in range(0, len(on), step):
        here = slice(first, first + step)
        difference = on[here, None] - off[None]
        wins = (torch.sign(difference) + 1).double() / 2
        gap = matched_on[here, None] - matched_off[None]
        equal.add(wins, gap == 0)
        more.add(wins, gap > 0)
        less.add(wins, gap < 0)
    return equal, more, less

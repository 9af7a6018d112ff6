"""Random subsets of elements, the same for every explainer and for all metrics with equal settings."""

from dataclasses import dataclass

import torch
from pydantic import Field
from torch import Tensor

from tasks.evidence.block import Block
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._drops import INDIFFERENT, UNMOVED, ReadingMetric, Traced, alike
from tasks.faithfulness._removal import clean_probe, removal_probe
from tasks.faithfulness.base import Answers, AttributionBlock, Probe, ProbeKey
from tasks.functional.jackknife import pearson
from tasks.functional.noise import seed_of, uniform

_PURPOSE = "random subsets of pixels"
_BYTE = 8


@dataclass(frozen=True)
class Removals:
    """The results of D draws: the ``sums`` float64 [D, n] of the map, and the output."""

    sums: Tensor
    traced: Traced

    def correlation(self) -> tuple[Tensor, Tensor]:
        """Return Pearson's correlation of sums and drops with its Monte-Carlo error; NaN if undefined."""
        undefined = alike(self.sums) | self.traced.unmoved
        value, error = pearson(self.sums, self.traced.drops)
        return torch.where(undefined, torch.nan, value), torch.where(undefined, torch.nan, error)

    def excluded(self) -> dict[str, Tensor]:
        """Return why a correlation is undefined: Pearson's needs both sides to vary, and 0 would be wrong."""
        unmoved = self.traced.unmoved
        return {UNMOVED: unmoved, INDIFFERENT: alike(self.sums) & ~unmoved}


class SubsetMetric(ReadingMetric):
    """Removes random subsets of pixels of a size, and compares the drop of the output with the map there.

    A subset depends on (seed, tile key, size, draw) alone. So every explainer gets the same subsets, which
    pairs their scores. Metrics of equal fill, size, draws and seed use the same images, which go through the
    model once. The errors are the jackknife over the draws.
    """

    draws: int = Field(default=32, ge=3)
    """Subsets of each size."""
    seed: int = Field(default=0, ge=0)

    def sizes(self) -> tuple[float, ...]:
        """Return the sizes of the subsets as fractions of the tile's pixels."""
        raise NotImplementedError(f"{type(self).__name__} does not say how many pixels go")

    def probes(self, block: Block, part: AttributionBlock) -> tuple[Probe, ...]:
        """Return the clean image, and for each size the images without a subset."""
        return (clean_probe(block), *(self._probe(block, size) for size in self.sizes()))

    def minimum_forward(self) -> int:
        """The whole tile, and each draw of each size."""
        return 1 + self.draws * len(self.sizes())

    def removals(self, block: TileBlock, part: AttributionBlock, answers: Answers) -> list[Removals]:
        """Return the results for each size."""
        values = self.read(block, part.maps, answers).flatten(1)
        return [self._removals(block, values, answers, size) for size in self.sizes()]

    def _removals(self, block: Block, values: Tensor, answers: Answers, size: float) -> Removals:
        subsets = (subset(block, self.seed, size, draw) for draw in range(self.draws))
        # The maps are float32 and so is each product; in float64 the sums of a constant map are exact.
        sums = torch.stack([(values * chosen).sum(1, dtype=torch.float64) for chosen in subsets])
        return Removals(sums=sums, traced=self.traced(block, answers, self._key(size)))

    def _probe(self, block: Block, size: float) -> Probe:
        def removed(steps: slice) -> Tensor:
            return torch.stack([subset(block, self.seed, size, draw) for draw in range(self.draws)[steps]])

        return removal_probe(block, self.remover, self._key(size), self.draws, removed)

    def _key(self, size: float) -> ProbeKey:
        return (_PURPOSE, size, self.draws, self.seed, *self.remover.key())


def subset(block: Block, seed: int, size: float, draw: int) -> Tensor:
    """Return bool [n, E], a random subset of each sample's elements: the fraction ``size`` of them.

    At least one element, and never all of them. Drawn once per block, then kept at one bit per element.
    """
    key = (_PURPOSE, seed, size, draw)
    if key not in block.kept:
        drawn = uniform(seed_of(seed, _PURPOSE, str(size)), block.keys, draw, (block.element_count,))
        block.kept[key] = packed(_lowest(drawn, size, block.elements))
    return unpacked(block.kept[key], block.element_count)


def _lowest(drawn: Tensor, size: float, elements: Tensor | None) -> Tensor:
    """Return bool [n, E], the fraction ``size`` of each row's elements that have the lowest numbers."""
    if elements is None:
        count = _count(drawn.shape[1], size)
        return drawn <= drawn.kthvalue(count, dim=1, keepdim=True).values
    drawn = drawn.masked_fill(~elements, torch.inf)
    counts = torch.tensor([_count(number, size) for number in elements.sum(1).tolist()], device=drawn.device)
    return drawn <= drawn.sort(dim=1).values.gather(1, counts[:, None] - 1)


def _count(elements: int, size: float) -> int:
    return min(max(round(size * elements), 1), max(elements - 1, 1))


def packed(flags: Tensor) -> Tensor:
    """Return uint8 [n, ceil(P / 8)] of bool [n, P]; see :func:`unpacked`."""
    padded = torch.nn.functional.pad(flags.to(torch.uint8), (0, -flags.shape[1] % _BYTE))
    return (padded.view(len(flags), -1, _BYTE) << _places(flags)).sum(2, dtype=torch.uint8)


def unpacked(stored: Tensor, count: int) -> Tensor:
    """Return bool [n, count], the first flags of each row."""
    return (stored[:, :, None] >> _places(stored) & 1).flatten(1)[:, :count].bool()


def _places(like: Tensor) -> Tensor:
    return torch.arange(_BYTE, dtype=torch.uint8, device=like.device)

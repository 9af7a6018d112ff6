"""Class purity of a channel's top tiles, on clean and on adversarial images."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from tasks.functional.ranking import descending_ranks, tie_keys

CLEAN, TRUE, PREDICTED = "clean", "adversarial_true", "adversarial_predicted"
KINDS = (CLEAN, TRUE, PREDICTED)
_CHANNELS = 64
"""Channels ranked at once: bounds the memory."""
_ROUNDING = 1e-6
"""A channel that varies by less than this fraction of its largest magnitude is constant up to rounding."""


@dataclass(frozen=True)
class Observed:
    """The outputs of the network, on the CPU: N tiles, C channels, G classes.

    Attributes:
        clean: float [N, C], the score of each channel on each tile.
        adversarial: float [N, C], the same on the adversarial images.
        truth: int64 [N], the classes of the tiles.
        predicted: int64 [N], the classes predicted for the adversarial images.
        slides: int64 [N], the slide of each tile, counted from 0.
        keys: int64 [N], the tile keys.
        classes: G.
    """

    clean: Tensor
    adversarial: Tensor
    truth: Tensor
    predicted: Tensor
    slides: Tensor
    keys: Tensor
    classes: int


@dataclass(frozen=True)
class Layer:
    """The channels on a subset of the tiles.

    Attributes:
        alive: bool [C], False where a channel is constant over the clean images.
        histograms: {kind: float64 [C, G]}, the class histogram of each channel's top tiles, of sum 1.
        chance: {kind: the purity expected of as many tiles chosen at random}; 1 where there is one class.
    """

    alive: Tensor
    histograms: Mapping[str, Tensor]
    chance: Mapping[str, float]

    def purity(self, kind: str) -> Tensor:
        """Return [C]: the sum of the squared shares, 1/G to 1."""
        return self.histograms[kind].square().sum(1)

    def corrected(self, kind: str) -> Tensor:
        """Return [C]: (purity - chance) / (1 - chance), NaN where there is only one class."""
        room = 1 - self.chance[kind]
        return (self.purity(kind) - self.chance[kind]) / (room if room > 0 else math.nan)

    def cosine(self, kind: str) -> Tensor:
        """Return [C]: the cosine of the histogram of the clean images with that of ``kind``."""
        return cosine_similarity(self.histograms[CLEAN], self.histograms[kind], dim=1)


@dataclass(frozen=True)
class ChannelConsistency:
    """The consistency of all channels on any subset of the tiles that leaves out one slide at most.

    The top tiles are the highest ``top_share`` of the subset, at least ``at_least``; ties are in an order
    drawn from (seed, tile key, channel), the same for clean and adversarial images.
    """

    observed: Observed
    top_share: float
    at_least: int
    seed: int

    def top_count(self, tiles: int) -> int:
        """Return how many of ``tiles`` are the top ones."""
        return min(tiles, max(self.at_least, math.ceil(self.top_share * tiles)))

    @cached_property
    def clean_order(self) -> Tensor:
        """int64 [C, R]: the tiles of highest clean score, enough for any one slide to be left out."""
        return self._order(self.observed.clean)

    @cached_property
    def adversarial_order(self) -> Tensor:
        """int64 [C, R]: the same on the adversarial images."""
        return self._order(self.observed.adversarial)

    def layer(self, kept: Tensor) -> Layer:
        """Return the channels on the tiles of the bool mask ``kept`` [N]."""
        seen, count = self.observed, int(kept.sum())
        top = self.top_count(count)
        clean, moved = (_first(o, kept, top) for o in (self.clean_order, self.adversarial_order))
        classes = {CLEAN: seen.truth, TRUE: seen.truth, PREDICTED: seen.predicted}
        taken = {CLEAN: clean, TRUE: moved, PREDICTED: moved}
        return Layer(
            alive=_varies(seen.clean[kept]),
            histograms={kind: _histogram(classes[kind][taken[kind]], seen.classes) for kind in KINDS},
            chance={
                kind: chance_purity(torch.bincount(classes[kind][kept], minlength=seen.classes), top)
                for kind in KINDS
            },
        )

    def figures(self, kept: Tensor) -> dict[str, float]:
        """Return the means over the live channels of the tiles ``kept``; NaN where there is none."""
        layer = self.layer(kept)
        means = {kind: layer.corrected(kind)[layer.alive].mean() for kind in KINDS}
        means["cs_true"] = layer.cosine(TRUE)[layer.alive].mean()
        means["cs_predicted"] = layer.cosine(PREDICTED)[layer.alive].mean()
        means["dead_share"] = 1 - layer.alive.double().mean()
        return {name: float(value) for name, value in means.items()}

    def _order(self, values: Tensor) -> Tensor:
        largest = int(torch.bincount(self.observed.slides).max())
        reach = min(len(values), self.top_count(len(values)) + largest)
        pieces = []
        for first in range(0, values.shape[1], _CHANNELS):
            scores = values[:, first : first + _CHANNELS].T
            ties = tie_keys(self.seed, self.observed.keys, f"channels from {first}", len(scores)).T
            pieces.append(descending_ranks(scores, ties).argsort(dim=1)[:, :reach])
        return torch.cat(pieces)


def chance_purity(counts: Tensor, chosen: int) -> float:
    """Return the expected purity of ``chosen`` of all tiles, drawn at random without replacement.

    Of N tiles N_g belong to class g, P_g = N_g / N. The number k_g of class g among K drawn follows the
    hypergeometric law: mean K P_g, variance K P_g (1 - P_g) (N - K) / (N - 1). So E[k_g^2] / K^2 is
    P_g^2 + P_g (1 - P_g) (N - K) / (K (N - 1)), and summed over the classes, with S = sum of P_g^2,

        E[sum p_g^2] = S + (1 - S) (N - K) / (K (N - 1)).

    It is what permuting the labels of the tiles gives on average. With one class it is 1.

    Args:
        counts: int64 [G], the tiles of each class.
        chosen: K, from 1 to N.
    """
    tiles = int(counts.sum())
    if int(counts.max()) == tiles:
        return 1.0
    pure = float((counts.double() / tiles).square().sum())
    return pure + (1 - pure) * (tiles - chosen) / (chosen * (tiles - 1))


def _first(order: Tensor, kept: Tensor, count: int) -> Tensor:
    """Return int64 [C, count]: the first tiles of each row of ``order`` that are kept."""
    counted = kept[order]
    taken = counted & (counted.cumsum(1) <= count)
    return order[taken].view(len(order), count)


def _histogram(classes: Tensor, number: int) -> Tensor:
    """Return float64 [C, G], rows of sum 1, of classes [C, K]."""
    return torch.stack([(classes == g).double().mean(1) for g in range(number)], dim=1)


def _varies(values: Tensor) -> Tensor:
    """Return bool [C]: whether a channel of ``values`` [N, C] is more than constant."""
    low, high = values.amin(0), values.amax(0)
    return high - low > _ROUNDING * torch.maximum(low.abs(), high.abs())

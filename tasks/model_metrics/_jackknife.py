"""Pseudo-values: the contribution of one slide to a figure that is not a mean over tiles.

Tukey (1958), "Bias and confidence in not-quite large samples", Annals of Mathematical Statistics 29, 614.
With n slides, a figure t of all of them and t(-i) without slide i, the pseudo-value of slide i is
n t - (n - 1) t(-i). Their mean is the jackknife estimate, corrected for bias of order 1/n, and they can be
resampled like slide means; of a mean over equally large slides they are the slide means. A pseudo-value
may lie outside the range of the figure itself. Slides have equal weight, whatever their number of tiles.

Where the figure is not defined without a slide, for instance because no two classes are left, that slide's
contribution is unknown. Its pseudo-value is then the figure of all slides, which leaves the mean unchanged
and understates the spread. Such slides are counted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Statistic = Callable[[Tensor], Mapping[str, float]]
"""Named figures of the tiles that a bool mask [N] keeps; NaN where a figure is not defined."""


@dataclass(frozen=True)
class PseudoValues:
    """Each figure's pseudo-values [S], and the number of slides without which some figure is undefined."""

    values: Mapping[str, NDArray[np.float64]]
    indispensable: int


def pseudo_values(statistic: Statistic, slides: Tensor) -> PseudoValues:
    """Return the pseudo-values of S slides; with one slide the plain figure.

    Args:
        statistic: the figures.
        slides: int64 [N], the slide of each tile, counted from 0.
    """
    count = int(slides.max()) + 1
    whole = statistic(torch.ones_like(slides, dtype=torch.bool))
    if count == 1:
        return PseudoValues({name: np.array([value]) for name, value in whole.items()}, 0)
    parts = [statistic(slides != slide) for slide in range(count)]
    without = {name: np.array([part[name] for part in parts]) for name in whole}
    unknown = np.stack([np.isnan(rest) & np.isfinite(whole[name]) for name, rest in without.items()])
    values = {
        name: count * value - (count - 1) * np.where(np.isnan(without[name]), value, without[name])
        for name, value in whole.items()
    }
    return PseudoValues(values, int(unknown.any(axis=0).sum()))

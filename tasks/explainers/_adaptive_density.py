"""Kernel densities whose bandwidth adapts to how crowded the samples are, many at a time."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

POINTS = 64
"""Number of evaluation points of each density, evenly from its smallest to its largest sample."""

FLOOR = 0.02
"""Least pilot bandwidth, as a fraction of the row's largest magnitude."""

_PAIRS = 2**20
"""Kernels evaluated at a time, which bounds the memory."""


def peaks(samples: Tensor) -> Tensor:
    """Return how many peaks the density of each row of samples [R, N] has, as a continuous number [R].

    It is the heights of all peaks minus those of the valleys between them, over the highest peak: 1 for one
    peak, K for K equal ones with empty valleys, and a shoulder adds as little as it rises. A count of maxima
    would jump where rounding makes or removes one. Heights are those of the root of the density, in which
    sampling moves low and high peaks alike. Rows may be scaled freely; 0 < N.
    """
    rows = max(1, _PAIRS // (samples.shape[1] * max(samples.shape[1], POINTS)))
    return torch.cat([_peaks(part) for part in torch.split(samples, rows)])


def _peaks(samples: Tensor) -> Tensor:
    scaled = samples / samples.abs().amax(1, keepdim=True).clamp_min(torch.finfo(samples.dtype).tiny)
    low, high = scaled.amin(1, keepdim=True), scaled.amax(1, keepdim=True)
    points = low + (high - low) * torch.linspace(0, 1, POINTS, dtype=scaled.dtype, device=scaled.device)
    curve = density(points, scaled, adaptive_bandwidths(scaled)).sqrt()
    # Left of the smallest and right of the largest sample a sum of bells falls off without a turn.
    climbed = curve[:, 0] + curve[:, -1] + curve.diff(dim=1).abs().sum(1)
    return climbed / 2 / curve.amax(1)


def density(points: Tensor, samples: Tensor, bandwidths: Tensor) -> Tensor:
    """Return [R, P]: at each of the points [R, P] the mean of normal densities around the samples [R, N].

    ``bandwidths`` are their standard deviations, [R, N] or [R, 1].
    """
    inverse = 1 / (bandwidths * math.sqrt(2)).expand_as(samples)
    bells = (points[:, :, None] - samples[:, None]).mul_(inverse[:, None]).square_().neg_().exp_()
    return (bells @ inverse[:, :, None])[:, :, 0] / (math.sqrt(math.pi) * samples.shape[1])


def pilot_bandwidth(samples: Tensor) -> Tensor:
    """Return [R, 1]: how far the samples of a row [R, N] are from their neighbours, at least :data:`FLOOR`.

    The mean over the samples of the distance to the k-th one above or the k-th one below, whichever is
    smaller, with k half the root of N. A rule from the row's standard deviation would merge two distant peaks
    into a wide one, whereas neighbours lie within a peak (Loftsgaarden and Quesenberry 1965).
    """
    count = samples.shape[1]
    if count == 1:
        return torch.full_like(samples, FLOOR)
    k = math.ceil(math.sqrt(count) / 2)
    ordered = samples.sort(1).values
    gaps = ordered[:, k:] - ordered[:, :-k]
    above, below = F.pad(gaps, (0, k), value=math.inf), F.pad(gaps, (k, 0), value=math.inf)
    return torch.minimum(above, below).mean(1, keepdim=True).clamp_min(FLOOR)


def adaptive_bandwidths(samples: Tensor) -> Tensor:
    """Return [R, N]: the pilot's bandwidth over the root of its relative density at each sample.

    Relative to the geometric mean over the row's samples: narrow where samples are crowded, wide where they
    are sparse (Abramson 1982).
    """
    pilot = pilot_bandwidth(samples)
    logarithms = density(samples, samples, pilot).log()
    return pilot * ((logarithms.mean(1, keepdim=True) - logarithms) / 2).exp()

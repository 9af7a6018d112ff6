"""Maps in half precision: float16 values with a power of two for each map, so that nothing overflows."""

import torch
from torch import Tensor

_LARGEST = 14
"""The largest magnitude of a map comes to lie in [2**14, 2**15); float16 ends just below 2**16."""
_BIAS = 127
_FRACTION_BITS = 23
_LOWEST, _HIGHEST = -126, 127
"""Exponents of the normal numbers of float32."""


def half_maps(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Return float16 [N, H, W] and the scale of each map, float32 [N]; value = half * scale.

    A scale is a power of two, so dividing by it loses nothing and the only error is that of rounding to 11
    bits. Signs are kept, and no two values change their order; neighbours may become equal. A value smaller
    than 2**-39 of the largest of its map becomes zero. The maps that :func:`whole_maps` gives back are kept
    without any loss.

    Args:
        maps: float [N, H, W], finite.

    Example:
        >>> half, scale = half_maps(torch.tensor([[[1.0, -3e-5]], [[0.0, 0.0]]]))
        >>> scale.tolist(), [f"{value:.4e}" for value in whole_maps(half, scale)[0, 0].tolist()]
        ([6.103515625e-05, 1.0], ['1.0000e+00', '-2.9996e-05'])
    """
    maps = maps.float()
    largest = maps.abs().flatten(1).amax(1) if len(maps) else maps.new_zeros(0)
    # Of the bits themselves: a logarithm may round a power of two to the one below.
    exponent = (largest.view(torch.int32) >> _FRACTION_BITS) - _BIAS - _LARGEST
    bits = (exponent.clamp(_LOWEST, _HIGHEST) + _BIAS) << _FRACTION_BITS
    scale = torch.where(largest > 0, bits.view(torch.float32), 1.0)
    return (maps / scale[:, None, None]).to(torch.float16), scale


def whole_maps(half: Tensor, scale: Tensor) -> Tensor:
    """Return float32 [N, H, W], what :func:`half_maps` kept."""
    return half.float() * scale[:, None, None]


def rounded_maps(maps: Tensor) -> Tensor:
    """Return float32 [N, H, W]: ``maps`` after a stay in half precision."""
    return whole_maps(*half_maps(maps))

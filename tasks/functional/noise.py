"""Random numbers that depend on (seed, tile key, draw) alone: never on the batch, the order or the device.

A generator with a state would tie a tile's noise to its position in a batch, and one generator per tile needs
a loop. So each number is a hash of its own counter, computed for the whole batch at once.

Source: Steele, Lea and Flood (2014), "Fast splittable pseudorandom number generators" (the SplitMix64
finaliser); Salmon et al. (2011), "Parallel random numbers: as easy as 1, 2, 3" (the counter idea); Box and
Muller (1958) for the normal law.
"""

import hashlib
import math
from collections.abc import Sequence

import torch
from torch import Tensor

_GOLDEN = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB
_BITS = 53
_LOWER = (1 << 32) - 1


def uniform(seed: int, keys: Tensor, draw: int, shape: Sequence[int]) -> Tensor:
    """Return float64 [B, *shape] in the open interval (0, 1); keys int64 [B] name the tiles."""
    bits = _counters(seed, keys, draw, math.prod(shape))
    return _unit_interval(bits).view(len(keys), *shape)


def normal(seed: int, keys: Tensor, draw: int, shape: Sequence[int]) -> Tensor:
    """Return float32 [B, *shape] of independent standard normal numbers; keys int64 [B] name the tiles."""
    count = math.prod(shape)
    bits = _counters(seed, keys, draw, (count + 1) // 2)
    # Each hash makes a pair: its upper half the radius, its lower half the angle.
    upper, lower = _shift(bits, 32).float(), (bits & _LOWER).float()
    radius = torch.sqrt(-2.0 * torch.log((upper + 0.5) * 2.0**-32))
    angle = lower * (2.0 * math.pi * 2.0**-32)
    pair = torch.cat([radius * torch.cos(angle), radius * torch.sin(angle)], dim=1)
    return pair[:, :count].reshape(len(keys), *shape)


def derived_keys(seed: int, keys: Tensor, draw: int) -> Tensor:
    """Return int64 [B]: keys for nested noise inside one draw, different in each draw."""
    return _mix(keys ^ _salt(seed, draw))


def content_keys(rows: Tensor) -> Tensor:
    """Return int64 [N]: a key of each of ``rows`` float [N, D], made of its float32 bits and their positions.

    Equal rows have equal keys, wherever they stand.
    """
    # Adding zero turns -0 into 0: equal numbers have equal bits.
    bits = (rows.float() + 0.0).contiguous().view(torch.int32).long()
    steps = torch.arange(1, rows.shape[1] + 1, device=rows.device, dtype=torch.int64) * _signed(_GOLDEN)
    return _mix(_mix(bits + steps).sum(1))


def seed_of(*parts: int | str) -> int:
    """Return a seed in [0, 2**63) made of ``parts``, such as a seed and the name of a metric or a layer."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def _counters(seed: int, keys: Tensor, draw: int, count: int) -> Tensor:
    """Return int64 [B, count]: the hashed counters of each key's own stream."""
    # Mixing the key first separates the streams: otherwise neighbouring keys would share shifted counters.
    start = derived_keys(seed, keys, draw)
    steps = torch.arange(1, count + 1, device=keys.device, dtype=torch.int64) * _signed(_GOLDEN)
    return _mix(start[:, None] + steps[None, :])


def _salt(seed: int, draw: int) -> int:
    return _signed(seed_of(seed, draw) * 2 + 1)


def _mix(bits: Tensor) -> Tensor:
    """Apply the SplitMix64 finaliser; int64 products wrap around, as it requires."""
    bits = (bits ^ _shift(bits, 30)) * _signed(_FIRST)
    bits = (bits ^ _shift(bits, 27)) * _signed(_SECOND)
    return bits ^ _shift(bits, 31)


def _shift(bits: Tensor, by: int) -> Tensor:
    """Shift right filling with zeros: torch has no unsigned shift."""
    return (bits >> by) & ((1 << (64 - by)) - 1)


def _unit_interval(bits: Tensor) -> Tensor:
    # Half a step is added so that neither end is reached.
    return (_shift(bits, 64 - _BITS).double() + 0.5) * 2.0**-_BITS


def _signed(value: int) -> int:
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >= 1 << 63 else value

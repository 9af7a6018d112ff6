"""One number that identifies a tile, whatever its batch."""

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor


def tile_keys(tile_ids: Sequence[str]) -> Tensor:
    """Return int64 [N] on the CPU: the first eight bytes of the sha256 of each id, as a signed integer."""
    digests = (hashlib.sha256(tile_id.encode()).digest()[:8] for tile_id in tile_ids)
    keys = [int.from_bytes(digest, "little", signed=True) for digest in digests]
    return torch.tensor(keys, dtype=torch.int64)

"""Keys of the tiles of a bag, for random numbers that move with a tile wherever it stands.

A key is made of the features of the tile. So neither its position nor the padding nor the other tiles change
what is drawn for it, and tiles with equal features draw equal numbers.
"""

import torch
from torch import Tensor

from tasks.functional.noise import content_keys, derived_keys
from tasks.functional.pixels import spans
from tasks.samples.inputs import Bags

_AT_ONCE = 1 << 20
"""Numbers that are hashed at once: each takes four integers of eight bytes for a moment."""


def named(bags: Bags) -> Bags:
    """Return the same bags with ``tile_keys``; those that are given stay. Padding has the key 0.

    Whoever changes features names the tiles first: otherwise the changed tile would draw other numbers.
    """
    if bags.tile_keys is not None:
        return bags
    rows = bags.features[bags.mask]
    together = max(1, _AT_ONCE // max(1, rows.shape[1]))
    pieces = [content_keys(rows[part]) for part in spans(len(rows), together)]
    keys = torch.zeros_like(bags.mask, dtype=torch.int64)
    keys[bags.mask] = torch.cat(pieces) if pieces else keys.new_empty(0)
    return bags._replace(tile_keys=keys)


def drawing_keys(bags: Bags, keys: Tensor) -> Tensor:
    """Return int64 [B, N]: what draws of bags with ``keys`` int64 [B] are made of, one for each tile."""
    own = named(bags).tile_keys
    assert own is not None  # for the type checker
    return derived_keys(0, own ^ keys[:, None], 0)

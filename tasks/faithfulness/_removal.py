"""The probes of removal metrics: the clean image, the fully removed one, and those between."""

import torch
from torch import Tensor

from tasks.evidence.block import Block
from tasks.faithfulness.base import Probe, ProbeKey
from tasks.functional.fills import Fill, filled

CLEAN = ("clean",)


def clean_probe(block: Block) -> Probe:
    """Return the probe of the clean images."""
    return Probe(key=CLEAN, count=1, make=lambda _steps: block.images[None])


def fill_key(fill: Fill, blur_px: float) -> ProbeKey:
    """Return the key of a fill, besides the tile."""
    return (fill, blur_px if fill == "blur" else None)


def filled_block(block: Block, fill: Fill, blur_px: float) -> Tensor:
    """Return [n, C, H, W], the tiles with every pixel removed, made once per block."""
    key = ("fill", *fill_key(fill, blur_px))
    if key not in block.kept:
        block.kept[key] = filled(fill, block.images, block.tissue_colour, blur_px)
    return block.kept[key]


def removal_images(block: Block, fill: Tensor, ranks: Tensor, counts: Tensor) -> Tensor:
    """Return [S, n, C, H, W]: at step s the pixels ranked below ``counts[s]`` hold the fill, in all channels.

    Args:
        block: n tiles.
        fill: [n, C, H, W].
        ranks: [n, H * W], 0 for the pixel that goes first; pixels that go together have the mean of their
        ranks.
        counts: int64 [S].
    """
    height, width = block.images.shape[2:]
    removed = ranks[None] < counts[:, None, None].to(ranks.device)
    return torch.where(removed.view(len(counts), -1, 1, height, width), fill[None], block.images[None])

"""Removal of pixels: a fill takes their place, or they are imputed from the pixels around them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from tasks.evidence.tile_block import TileBlock
from tasks.functional.fills import Fill, filled
from tasks.functional.imputation import imputed
from tasks.functional.noise import normal, seed_of

_NOISE = "noise of the imputation"


@dataclass(frozen=True)
class FillPixels:
    """Puts a fill in the place of removed pixels, in all channels at once.

    ``blur_px`` is the standard deviation of the ``blur`` fill; it has no effect on the other fills.
    """

    fill: Fill
    blur_px: float

    def key(self) -> tuple[Fill, float | None]:
        """Return what, beside the tile, decides the fill."""
        return (self.fill, self.blur_px if self.fill == "blur" else None)

    def without(self, block: TileBlock, removed: Tensor) -> Tensor:
        """Return [S, n, C, H, W]; ``removed`` broadcasts to bool [S, n, H * W]."""
        height, width = block.images.shape[2:]
        gone = removed.view(*removed.shape[:2], 1, height, width)
        return torch.where(gone, self.without_all(block)[None], block.images[None])

    def without_all(self, block: TileBlock) -> Tensor:
        """Return [n, C, H, W], the tiles with every pixel removed; computed once per block."""
        key = ("fill", *self.key())
        if key not in block.kept:
            block.kept[key] = filled(self.fill, block.images, block.tissue_colour, self.blur_px)
        return block.kept[key]


@dataclass(frozen=True)
class ImputePixels:
    """Replaces removed pixels by a weighted mean of their neighbours, plus normal noise.

    See :func:`tasks.functional.imputation.imputed`. ``noise`` is a standard deviation as a fraction of the
    pixel range [0, 1]. It depends on ``seed``, ``draw`` and the tile alone.
    """

    noise: float
    seed: int
    draw: int = 0

    def key(self) -> tuple[str, float, int, int]:
        """Return what, beside the tile and the removed pixels, decides the images."""
        return ("imputed", self.noise, self.seed, self.draw)

    def without(self, block: TileBlock, removed: Tensor) -> Tensor:
        """Return [S, n, C, H, W] with noise; ``removed`` is bool [S, n, H * W]."""
        images, gone = solved(block, removed)
        return images + gone * self.drawn_noise(block)

    def without_all(self, block: TileBlock) -> Tensor:
        """Return [n, C, H, W] in the colour of the slide's tissue, with noise."""
        colour = block.tissue_colour.view(1, -1, 1, 1).expand_as(block.images)
        return colour + self.drawn_noise(block)

    def drawn_noise(self, block: TileBlock) -> Tensor:
        """Return [n, C, H, W], the noise of this draw."""
        drawn = normal(seed_of(self.seed, _NOISE), block.keys, self.draw, block.images.shape[1:])
        return self.noise * drawn.to(block.images)


def solved(block: TileBlock, removed: Tensor) -> tuple[Tensor, Tensor]:
    """Return [S, n, C, H, W] without noise, and where pixels are imputed, [S, n, 1, H, W].

    Args:
        block: n tiles.
        removed: bool [S, n, H * W].
    """
    shape = (len(removed), *block.images.shape)
    gone = removed.view(*shape[:2], *shape[3:])
    images = block.images.expand(shape).flatten(0, 1)
    return imputed(images, gone.flatten(0, 1), block.tissue_colour).view(shape), gone[:, :, None]

"""Made-up tiles, to ask a network about before there are real ones."""

import torch
from torch import Tensor


def made_up_tiles(mean: Tensor, std: Tensor, side: int) -> Tensor:
    """Return float32 [2, 3, side, side] in [0, 1]: smooth noise around the colour of tissue, always the same.

    Args:
        mean: [1, 3, 1, 1], the mean colour of tiles in [0, 1].
        std: [1, 3, 1, 1], their standard deviation.
        side: height and width in pixels.
    """
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(2, 3, -(-side // 4), -(-side // 4), generator=generator)
    fine = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bilinear", align_corners=False)
    return (mean.cpu() + std.cpu() * fine).clamp(0, 1).to(mean.device)

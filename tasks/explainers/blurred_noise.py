"""Control: noise as smooth as many explanations are."""

import math
from typing import ClassVar

from pydantic import Field
from torch import Tensor, nn

from tasks.explainers._controls import BlindControl
from tasks.functional.blur import gaussian_blur
from tasks.functional.noise import normal, seed_of


class BlurredNoise(BlindControl):
    """Standard normal noise smoothed by a Gaussian: without information, but it removes pixels in blobs.

    Removal with imputation rewards blobs, since a hole is harder to fill in than scattered pixels: a map that
    scores well by smoothness alone does not beat this one.
    """

    source: ClassVar[str] = (
        "the blur control of design section 6; why it is needed: arXiv:2304.13836 (ROAR and ROAD reward blur)"
    )
    default_position: ClassVar[int] = 2

    sigma_px: float = Field(default=4.0, gt=0)
    """Standard deviation of the Gaussian, in pixels."""
    seed: int = Field(default=0, ge=0)

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return smoothed noise [B, H, W] of (seed, tile key), as strong at the border as inside."""
        # A separate seed: otherwise this would be the blurred noise of random_map.
        seed, margin = seed_of(self.seed, "blurred_noise"), math.ceil(4 * self.sigma_px)
        # Mirroring noise at the border would double it there and favour the border over the middle.
        height, width = (count + 2 * margin for count in images.shape[2:])
        wide = gaussian_blur(normal(seed, tile_keys, 0, (1, height, width)), self.sigma_px)
        return wide[:, 0, margin:-margin, margin:-margin].to(images)

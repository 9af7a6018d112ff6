"""The gradient at random points between random baselines and noisy copies of the image."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from tasks.explainers._baselines import baseline_images
from tasks.explainers._noisy_inputs import noise_of
from tasks.explainers.base import ChannelExplainer, Kind
from tasks.functional.fills import Fill
from tasks.functional.gradients import input_gradient, reduce_channels
from tasks.functional.noise import seed_of, uniform
from tasks.functional.passes import Passes


class GradientShap(ChannelExplainer):
    """The mean over ``draws`` of (image + noise - baseline) x the gradient at a random point between them.

    Its expectation is the mean of integrated gradients over the baselines and the noise, so it adds up in
    expectation only. Point, baseline and noise are drawn anew for each tile and draw. Captum uses the global
    generators and holds all draws of all images at once, hence our own implementation.
    """

    source: ClassVar[str] = (
        "Lundberg and Lee (2017), arXiv:1705.07874, as its authors' GradientExplainer; Erion et al. (2021), "
        "arXiv:1906.10670 (expected gradients); agrees with Captum 0.9 for equal draws"
    )
    kind: ClassVar[Kind] = "contribution"

    baselines: tuple[Fill, ...] = Field(default=("white", "blur"), min_length=1)
    """What stands for "nothing there": each draw takes one, all equally likely."""
    blur_px: float = Field(default=8.0, gt=0)
    """Standard deviation of the ``blur`` in tile pixels."""
    draws: int = Field(default=32, ge=1)
    sigma: float = Field(default=0.1, ge=0)
    """Standard deviation of the noise on the image, as a fraction of the pixel range [0, 1]."""
    seed: int = Field(default=0, ge=0)

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the streamed mean [B, H, W], channels reduced after it."""
        kinds = torch.stack([baseline_images(kind, model, images, self.blur_px) for kind in self.baselines])
        mean = torch.zeros_like(images)
        for draw in range(self.draws):
            baseline = kinds[self._choice(tile_keys, draw), torch.arange(len(images), device=images.device)]
            # In place where this draw owns the memory: new memory costs more than the arithmetic.
            noise = noise_of(seed_of(self.seed, "noise"), tile_keys, draw, images.shape[1:]).to(images)
            way = noise.mul_(self.sigma).add_(images).sub_(baseline)
            point = baseline.addcmul_(self._place(tile_keys, draw, images), way)
            way.mul_(input_gradient(model, point, targets))
            mean.add_(way.sub_(mean), alpha=1 / (draw + 1))
        return reduce_channels(mean, self.reduce)

    def passes(self) -> Passes:
        """``draws`` forward and backward."""
        return Passes(forward=1, backward=1) * self.draws

    # Each use has its own stream: one seed for all would correlate the points with the noise.
    def _choice(self, keys: Tensor, draw: int) -> Tensor:
        """Return int64 [B]: which baseline each tile takes."""
        part = uniform(seed_of(self.seed, "baseline"), keys, draw, ()) * len(self.baselines)
        return part.long()

    def _place(self, keys: Tensor, draw: int, images: Tensor) -> Tensor:
        """Return [B, 1, 1, 1] in (0, 1): how far each tile has come from its baseline."""
        return uniform(seed_of(self.seed, "place"), keys, draw, (1, 1, 1)).to(images)

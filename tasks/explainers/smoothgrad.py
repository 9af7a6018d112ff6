"""The mean explanation of noisy copies of the image, over any other explainer."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from tasks.explainers.base import AnyExplainer, Explainer, Kind
from tasks.functional.noise import derived_keys, normal
from tasks.functional.passes import Passes


class SmoothGrad(Explainer):
    """The mean over ``samples`` draws of the held explainer's map of image + sigma x normal noise.

    Maps are averaged after the held explainer has reduced the channels: signed maps with ``reduce: sum``,
    magnitudes with ``l2`` and ``abs_mean``. Noisy images are not clamped to [0, 1]: clamping would bias the
    noise on white glass, where half of it would be lost. The mean is streamed, so memory does not grow with
    ``samples``.
    """

    source: ClassVar[str] = (
        "Smilkov et al. (2017), arXiv:1706.03825; sigma there is a fraction of each image's own range, here "
        "of the whole range [0, 1], so that dark and light tiles get the same noise"
    )
    kind: ClassVar[Kind] = "sensitivity"

    base: AnyExplainer = Field(default={"name": "gradient"}, validate_default=True)
    samples: int = Field(default=16, ge=1)
    sigma: float = Field(default=0.1, gt=0)
    """Standard deviation of the noise, as a fraction of the pixel range [0, 1]."""
    seed: int = Field(default=0, ge=0)

    def prepare(self, model: nn.Module) -> nn.Module:
        """Prepare what the held explainer needs."""
        return self.base.prepare(model)

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the streamed mean [B, H, W]."""
        mean = torch.zeros_like(images[:, 0])
        for draw in range(self.samples):
            noise = normal(self.seed, tile_keys, draw, images.shape[1:]).to(images)
            keys = derived_keys(self.seed, tile_keys, draw)
            drawn = self.base.attribute(model, images + self.sigma * noise, targets, keys)
            mean += (drawn - mean) / (draw + 1)
        return mean

    def passes(self) -> Passes:
        """``samples`` times the held explainer."""
        return self.base.passes() * self.samples

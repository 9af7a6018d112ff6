"""The mean explanation of noisy copies of the image, over any other explainer."""

from typing import Any, ClassVar

from pydantic import Field
from torch import Tensor, nn

from tasks.explainers._averaged import AveragedExplainer, TakeMap
from tasks.explainers._noisy_inputs import noisy_inputs
from tasks.functional.noise import derived_keys
from tasks.functional.passes import Passes


class SmoothGrad(AveragedExplainer):
    """The mean over ``samples`` draws of the held explainer's map of image + sigma x normal noise.

    Noisy images are not clamped to [0, 1]: clamping would bias the noise on white glass, where half of it
    would be lost.
    """

    source: ClassVar[str] = (
        "Smilkov et al. (2017), arXiv:1706.03825; sigma there is a fraction of each image's own range, here "
        "of the whole range [0, 1], so that dark and light tiles get the same noise"
    )

    samples: int = Field(default=16, ge=1)
    sigma: float = Field(default=0.1, gt=0)
    """Standard deviation of the noise: a fraction of the pixel range [0, 1], or of each feature's spread."""

    def prepare(self, model: nn.Module) -> nn.Module:
        """Prepare what the held explainer needs."""
        return self.base.prepare(model)

    def each_map(
        self, model: nn.Module, images: Any, targets: Tensor, tile_keys: Tensor, take: TakeMap
    ) -> None:
        """Hand over one map for each noisy copy."""
        for draw in range(self.samples):
            drawn = noisy_inputs(model, images, self.sigma, self.seed, tile_keys, draw)
            take(self.base.attribute(model, drawn, targets, derived_keys(self.seed, tile_keys, draw)))

    def passes(self) -> Passes:
        """``samples`` times the held explainer."""
        return self.base.passes() * self.samples

"""The mean explanation of noisy images by noisy copies of the network, over any other explainer."""

from typing import Any, ClassVar

from pydantic import Field
from torch import Tensor, nn

from tasks.explainers._averaged import TakeMap
from tasks.explainers._noisy_inputs import noisy_inputs
from tasks.explainers._noisy_weights import WeightNoiseExplainer
from tasks.functional.noise import derived_keys
from tasks.functional.noised_parameters import perturbed
from tasks.functional.passes import Passes
from tasks.functional.weight_noise import weight_noise

FRACTION = 0.5
"""Of each of the two sigmas: both kinds of noise together are to disturb about as much as one alone."""


class FusionGrad(WeightNoiseExplainer):
    """The mean over ``draws`` noisy networks and ``samples`` noisy images each of the held explainer's map.

    ``sigma`` and ``input_sigma`` are those of NoiseGrad and SmoothGrad used alone; by the published rule
    half of each is used. Every network sees noisy images of its own.
    """

    source: ClassVar[str] = (
        "Bykov, Hedstroem, Nakajima and Hoehne (2022), AAAI 36, 6132-6140, arXiv:2106.10185: fresh image "
        "noise for each network, both sigmas halved; the sigmas are found as in noisegrad and smoothgrad"
    )

    input_sigma: float = Field(default=0.1, gt=0)
    """Standard deviation of the input noise as SmoothGrad alone would use it."""
    draws: int = Field(default=4, ge=1)
    """Noisy networks."""
    samples: int = Field(default=4, ge=1)
    """Noisy images for each network."""

    def each_map(
        self, model: nn.Module, images: Any, targets: Tensor, tile_keys: Tensor, take: TakeMap
    ) -> None:
        """Hand over one map for each noisy image and network."""
        sigma, names = FRACTION * self.sigma_number(), perturbed(model, self.parameters)
        input_sigma = FRACTION * self.input_sigma
        for draw in range(self.draws):
            with weight_noise(model, sigma, self.seed, draw, names):
                prepared = self.base.prepare(model)
                for number in range(draw * self.samples, (draw + 1) * self.samples):
                    drawn = noisy_inputs(model, images, input_sigma, self.seed, tile_keys, number)
                    keys = derived_keys(self.seed, tile_keys, number)
                    take(self.base.attribute(prepared, drawn, targets, keys))

    def passes(self) -> Passes:
        """``draws`` times ``samples`` times the held explainer."""
        return self.base.passes() * (self.draws * self.samples)

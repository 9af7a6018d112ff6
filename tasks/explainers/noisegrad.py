"""The mean explanation by noisy copies of the network, over any other explainer."""

from typing import Any, ClassVar

from pydantic import Field
from torch import Tensor, nn

from tasks.explainers._averaged import TakeMap
from tasks.explainers._noisy_weights import WeightNoiseExplainer
from tasks.functional.noise import derived_keys
from tasks.functional.noised_parameters import perturbed
from tasks.functional.passes import Passes
from tasks.functional.weight_noise import weight_noise


class NoiseGrad(WeightNoiseExplainer):
    """The mean over ``draws`` networks with noise on their weights of the held explainer's map.

    The held explainer is prepared again for each of them.
    """

    source: ClassVar[str] = (
        "Bykov, Hedstroem, Nakajima and Hoehne (2022), AAAI 36, 6132-6140, arXiv:2106.10185; sigma from "
        "a 5 % drop of accuracy is their rule, its search by bisection ours"
    )

    draws: int = Field(default=16, ge=1)
    """Noisy networks."""

    def each_map(
        self, model: nn.Module, images: Any, targets: Tensor, tile_keys: Tensor, take: TakeMap
    ) -> None:
        """Hand over one map for each noisy network."""
        sigma, names = self.sigma_number(), perturbed(model, self.parameters)
        for draw in range(self.draws):
            keys = derived_keys(self.seed, tile_keys, draw)
            with weight_noise(model, sigma, self.seed, draw, names):
                take(self.base.attribute(self.base.prepare(model), images, targets, keys))

    def passes(self) -> Passes:
        """``draws`` times the held explainer."""
        return self.base.passes() * self.draws

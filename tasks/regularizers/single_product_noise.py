"""Control of noise modulation: one product with noise instead of two, of the same variance."""

import math
from typing import ClassVar

from pydantic import Field
from torch import Tensor

from tasks.regularizers._clean_statistics import CleanStatistics
from tasks.regularizers.base import ManipulationCheck, State
from tasks.training_step.step import Step


class SingleProductNoise(CleanStatistics):
    """Train on x' = mu + (x - mu) (1 + sigma n), n ~ N(0, 1), sigma = sqrt(2) (1 - blend).

    Noise modulation's factor blend + (1 - blend) n^2 has mean 1 and variance 2 (1 - blend)^2; so has this
    one, but it is normal where that one is never below ``blend``. An effect of both methods is an effect of
    multiplicative noise, not of modulating twice.
    """

    source: ClassVar[str] = "a control of our own for Li and Wang (2021), arXiv:2103.10603"
    checks: ClassVar[tuple[ManipulationCheck, ...]] = (
        ManipulationCheck("noise_response", "multiplied", "lower"),
    )

    blend: float = Field(default=0.5, ge=0, le=1)
    """The blend of the noise modulation whose variance it has."""

    def inputs(self, step: Step, state: State) -> tuple[Tensor, State]:
        """Return the noisy images; they are not clipped."""
        sigma = math.sqrt(2) * (1 - self.blend)
        mean = step.model.mean
        return mean + (step.inputs - mean) * (1 + sigma * step.normal()), state

"""Control of noise modulation: additive noise of the same variance, averaged over the data."""

import math
from typing import ClassVar

from pydantic import Field
from torch import Tensor

from tasks.regularizers._clean_statistics import CleanStatistics
from tasks.regularizers.base import ManipulationCheck, State
from tasks.training_step.step import Step


class GaussianNoise(CleanStatistics):
    """Train on x' = x + sqrt(2) (1 - blend) s n, n ~ N(0, 1), s the channel's standard deviation in the data.

    Noise modulation adds noise of variance 2 (1 - blend)^2 (x - mu)^2 to a pixel, on average over the data
    2 (1 - blend)^2 s^2; this adds as much to every pixel, whatever its value. An effect of both methods is an
    effect of noise of any kind.
    """

    source: ClassVar[str] = (
        "training with noise: Bishop (1995), doi 10.1162/neco.1995.7.1.108; as a control of equal variance "
        "for Li and Wang (2021), arXiv:2103.10603, it is ours"
    )
    checks: ClassVar[tuple[ManipulationCheck, ...]] = (ManipulationCheck("noise_response", "added", "lower"),)

    blend: float = Field(default=0.5, ge=0, le=1)
    """The blend of the noise modulation whose mean variance it has."""

    def inputs(self, step: Step, state: State) -> tuple[Tensor, State]:
        """Return the noisy images; they are not clipped."""
        sigma = math.sqrt(2) * (1 - self.blend)
        return step.inputs + sigma * step.model.std * step.normal(), state

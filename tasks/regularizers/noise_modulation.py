"""Noise modulation: multiply the mean-free image twice by the same noise, as a radio carrier is.

Li and Wang (2021), "Noise modulation: let your model interpret itself", arXiv:2103.10603. The formula
x' = mu + (x - mu) n^2 with n ~ N(0, 1), fresh at every step, for each pixel and channel, was measured from
the authors' pipeline figure; that ``blend`` mixes the factor with 1 is our reconstruction.
"""

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from tasks.regularizers._clean_statistics import CleanStatistics
from tasks.regularizers.base import ManipulationCheck, State
from tasks.training_step.step import Step


class NoiseModulation(CleanStatistics):
    """Train on x' = mu + (x - mu) (blend + (1 - blend) n^2), mu being the channel means of the data.

    The mean of x' is x. Its second moment is not (E n^4 = 3), so BatchNorm's statistics do not suit clean
    images. They are re-estimated on clean training tiles before the network is used.
    """

    source: ClassVar[str] = "Li and Wang (2021), arXiv:2103.10603; the meaning of blend is reconstructed"
    checks: ClassVar[tuple[ManipulationCheck, ...]] = (
        ManipulationCheck("noise_response", "modulated", "lower"),
    )

    blend: float = Field(default=0.5, ge=0, le=1)
    """1 is standard training, 0 the pure method."""

    def inputs(self, step: Step, state: State) -> tuple[Tensor, State]:
        """Return the modulated images; they are not clipped: factors of 10 and more belong to the method."""
        factor = self.blend + (1 - self.blend) * step.normal().square()
        mean = step.model.mean
        return mean + (step.inputs - mean) * factor, state

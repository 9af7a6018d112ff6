"""Noise on the features of a bag, as large as a share of each feature's spread."""

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from tasks.regularizers.base import Regularizer, State
from tasks.samples.axes import Input
from tasks.training_step.step import Step


class FeatureNoise(Regularizer):
    """Train on x' = x + sigma s n, n ~ N(0, 1), where s is the spread of each feature in the training tiles.

    Every tile of every bag has noise of its own. What stands on padding is changed too, and nobody sees it.
    """

    source: ClassVar[str] = (
        "idea of training with noise, Bishop (1995), doi 10.1162/neco.1995.7.1.108, on features; ours"
    )
    accepts: ClassVar[frozenset[Input]] = frozenset({"features"})
    no_check: ClassVar[str] = (
        "it moves how the logits answer to noise on features; model metrics measure tile classifiers alone"
    )

    sigma: float = Field(default=0.25, gt=0)
    """Standard deviation of the noise, as a share of each feature's spread."""

    def inputs(self, step: Step, state: State) -> tuple[Tensor, State]:
        """Return the noisy features."""
        return step.inputs + self.sigma * step.model.std * step.normal(), state

"""The base of explainers that average over noise on the weights."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator

from tasks.calibration.recipe import CalibrationRecipe
from tasks.explainers._averaged import AveragedExplainer
from tasks.explainers.base import Explainer, ExplanationError
from tasks.functional.noised_parameters import Perturbed

WAITS: Literal["calibrated"] = "calibrated"
"""Stands for a sigma that must still be searched for this network."""


class WeightNoiseExplainer(AveragedExplainer):
    """Weights w become w x (1 + sigma x eta), eta standard normal of (seed, draw, parameter name) alone.

    So all images and all batches see the same noisy networks. Each draw starts from the original weights,
    which are put back bit for bit. Running statistics of BatchNorm are no parameters and stay; deep networks
    tolerate little noise on its gains, so sigma is searched for each network
    (:mod:`tasks.calibration.search`). The last four fields are the recipe of that search.
    """

    sigma: Annotated[float, Field(gt=0)] | Literal["calibrated"] = WAITS
    """Standard deviation of the factor, or ``calibrated``: what the search finds for the network."""
    parameters: Perturbed = "all"
    """What is noised, see :data:`tasks.functional.noised_parameters.Perturbed`."""
    drop: float = Field(default=0.05, gt=0, lt=1)
    """The relative drop of accuracy above chance that the calibrated sigma causes."""
    calibration_draws: int = Field(default=10, ge=10)
    """Weight draws that accuracy is averaged over at each sigma."""
    calibration_tiles: int = Field(default=512, ge=2)
    """Largest number of validation tiles, in equal numbers per class."""

    @field_validator("base")
    @classmethod
    def _weights_are_noised_once(cls, base: Explainer) -> Explainer:
        held: Explainer | None = base
        while held is not None:
            if isinstance(held, WeightNoiseExplainer):
                raise ValueError(
                    f"{held.name!r} noises the weights too, and noise upon noise has no stated size; allowed "
                    "is a base that leaves the weights alone"
                )
            held = held.held
        return base

    @property
    def uncalibrated(self) -> Explainer | None:
        """Itself if sigma waits for a calibration."""
        return self if self.sigma == WAITS else None

    def calibration_recipe(self) -> CalibrationRecipe | None:
        """Return the recipe of the search for sigma, or None where sigma is a number."""
        if self.sigma != WAITS:
            return None
        return CalibrationRecipe(
            parameters=self.parameters,
            seed=self.seed,
            drop=self.drop,
            draws=self.calibration_draws,
            tiles=self.calibration_tiles,
        )

    def calibrated(self, sigma: float) -> Self:
        """Return a copy with ``sigma`` in place of ``calibrated``; a given number stays."""
        return self.model_copy(update={"sigma": sigma}) if self.sigma == WAITS else self

    def sigma_number(self) -> float:
        """Return sigma.

        Raises:
            ExplanationError: it waits for a calibration.
        """
        if isinstance(self.sigma, str):
            raise ExplanationError(
                f"{self.id}.sigma is {WAITS!r} and no calibration of this network was given; calibrate it "
                "first or set sigma to a number"
            )
        return self.sigma

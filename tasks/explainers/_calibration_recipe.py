"""What is searched when a sigma waits for a calibration, and with which resources."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from tasks.explainers._noisy_weights import WeightNoiseExplainer
from tasks.explainers._perturbed import Perturbed
from tasks.explainers.base import Explainer


class CalibrationRecipe(BaseModel):
    """All that may change the sigma of a given network; noise explainers with equal recipes share it."""

    model_config = ConfigDict(frozen=True)

    parameters: Perturbed
    seed: int
    drop: float
    draws: int
    tiles: int


@dataclass(frozen=True)
class CalibrationSettings:
    """The classes in the order of the logits, and the resources: tiles in flight, device of the model."""

    classes: tuple[str, ...]
    batch: int = 64
    device: str = "cpu"


def calibration_recipe(explainer: Explainer) -> CalibrationRecipe | None:
    """Return what is to be searched for ``explainer``; None where no sigma waits for a calibration."""
    waiting = explainer.uncalibrated
    if not isinstance(waiting, WeightNoiseExplainer):
        return None
    return CalibrationRecipe(
        parameters=waiting.parameters,
        seed=waiting.seed,
        drop=waiting.drop,
        draws=waiting.calibration_draws,
        tiles=waiting.calibration_tiles,
    )

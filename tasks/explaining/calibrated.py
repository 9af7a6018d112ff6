"""An explainer with what was found for the model it explains."""

from tasks.artifacts.calibration import Calibration
from tasks.explainers.base import Explainer


def calibrated(explainer: Explainer, calibration: Calibration | None) -> Explainer:
    """Return ``explainer`` with the sigma of ``calibration``; itself where it waits for none."""
    return explainer if calibration is None else explainer.calibrated(calibration.sigma)

"""An explainer with the sigma that was found for its network."""

from collections.abc import Mapping

from tasks.artifacts.calibration import Calibration
from tasks.artifacts.part import Reference
from tasks.artifacts.store import Store
from tasks.explainers.base import Explainer


def resolved(store: Store, inputs: Mapping[str, Reference], explainer: Explainer) -> Explainer:
    """Return ``explainer`` with the sigma of the input ``calibration``, if there is one."""
    found = inputs.get("calibration")
    return explainer if found is None else explainer.calibrated(Calibration(store.path(found)).sigma)

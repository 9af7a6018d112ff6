"""The recipe and the resources of a search for sigma."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from tasks.functional.noised_parameters import Perturbed


class CalibrationRecipe(BaseModel):
    """All that may change the sigma of a given network. Explainers with equal recipes use the same search."""

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

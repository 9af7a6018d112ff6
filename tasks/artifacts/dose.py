"""Dose: the strength of a training method at which its own quantity moves by a stated share.

Payload: ``dose.json`` (:class:`DoseInfo`), ``trials.parquet``, one row for each network that was trained
(dose, seed, quantity, val_auroc, stopped; the dose-free network has a dose of NaN), and ``dose.png``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict

from tasks.artifacts.artifact import Artifact

INFO = "dose.json"
TRIALS = "trials.parquet"
PICTURE = "dose.png"


class DoseInfo(BaseModel):
    """The dose found and what it was found on.

    ``recipe`` is the search as the study file states it, ``regularizer`` the method and ``field`` its
    strength. ``quantity`` is the score that was measured, and treatment moves it in ``direction``. ``free``
    is its mean without the method and ``treated`` at the dose ``value``; ``moved`` is the difference as a
    fraction of ``free``, positive in that direction. ``tiles`` is the number of validation tiles that it was
    measured on, ``seeds`` are those of the networks.
    """

    model_config = ConfigDict(frozen=True)

    recipe: Mapping[str, Any]
    regularizer: str
    field: str
    quantity: str
    direction: Literal["higher", "lower"]
    value: float
    free: float
    treated: float
    moved: float
    tiles: int
    epochs: int
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Dose(Artifact):
    """A read-only view of one search for a dose."""

    @cached_property
    def info(self) -> DoseInfo:
        """What was found and on what."""
        return DoseInfo.model_validate_json((self.folder / INFO).read_text(encoding="utf-8"))

    @property
    def value(self) -> float:
        """The dose found, for ``ArmRecipe.dosed``."""
        return self.info.value

    @cached_property
    def trials(self) -> pd.DataFrame:
        """One row for each network, in the order in which they were trained."""
        return pd.read_parquet(self.folder / TRIALS)

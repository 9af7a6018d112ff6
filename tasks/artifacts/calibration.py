"""Calibration: the weight noise that costs one checkpoint a stated share of its accuracy.

Payload: ``calibration.json`` (:class:`CalibrationInfo`), ``curve.parquet``, one row for each sigma that was
tried and each weight draw (sigma, draw, balanced_accuracy, cross_entropy), and ``curve.png``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict

from tasks.artifacts.artifact import Artifact

INFO = "calibration.json"
CURVE = "curve.parquet"
PICTURE = "curve.png"


class CalibrationInfo(BaseModel):
    """The sigma found and what it was found on.

    ``drop`` is the relative drop of balanced accuracy above chance at ``sigma``, the mean over the draws;
    ``drop_spread`` its standard deviation from draw to draw. ``below`` and ``above`` are the ends of the last
    bracket: the drop is less than wanted at the one and as wanted or more at the other. Where the least
    sigma that is tried already drops accuracy that far, both are that sigma and ``at_lowest`` is true.
    ``tiles`` counts the tiles of each class; accuracy and cross-entropy let every class count the same.
    """

    model_config = ConfigDict(frozen=True)

    recipe: Mapping[str, Any]
    sigma: float
    drop: float
    drop_spread: float
    below: float
    above: float
    at_lowest: bool
    clean_balanced_accuracy: float
    clean_cross_entropy: float
    chance: float
    tiles: Mapping[str, int]


@dataclass(frozen=True)
class Calibration(Artifact):
    """A read-only view of one search for sigma."""

    @cached_property
    def info(self) -> CalibrationInfo:
        """What was found and on what."""
        return CalibrationInfo.model_validate_json((self.folder / INFO).read_text(encoding="utf-8"))

    @property
    def sigma(self) -> float:
        """The sigma found, for ``Explainer.calibrated``."""
        return self.info.sigma

    @cached_property
    def curve(self) -> pd.DataFrame:
        """One row a tried sigma and draw, sigmas in rising order."""
        return pd.read_parquet(self.folder / CURVE)

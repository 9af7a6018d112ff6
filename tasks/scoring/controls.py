"""Where an explainer stands to each control, by paired intervals on the same images."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.statistics.better import flag_of, lead
from tasks.statistics.cells import mean_estimate
from tasks.statistics.clusters import MINIMUM
from tasks.statistics.holm import holm
from tasks.statistics.paired import paired_units
from tasks.statistics.two_way import Estimate

LEVEL = 0.95
"""Coverage of all intervals."""


def estimate_of(table: pd.DataFrame) -> Estimate:
    """Return the mean of the scored rows of ``table`` with its interval, clustered by patient where named.

    ``table`` has the columns value and patient_id. No interval where too few rows are independent.
    """
    scored = table[np.isfinite(table["value"].to_numpy(dtype=np.float64))]
    values = scored["value"].to_numpy(dtype=np.float64)
    codes = _codes(scored["patient_id"].to_numpy(dtype=str))
    if not len(values):
        return Estimate(float("nan"))
    if codes.max() + 1 < MINIMUM:
        return Estimate(float(values.mean()))
    return mean_estimate(values, codes, LEVEL)


def flag_against(own: pd.DataFrame, rivals: Mapping[str, pd.DataFrame], direction: str) -> str:
    """Return which controls the scores ``own`` are not ahead of; empty where they are ahead of all.

    ``own`` and the tables in ``rivals`` (by control) have the columns unit_id, patient_id and value. A score
    without a better direction has no flag.
    """
    if direction == "none":
        return ""
    found = {name: estimate_of(paired_units(own, other)) for name, other in rivals.items()}
    found = {name: one for name, one in found.items() if np.isfinite(one.value)}
    return flag_of(dict(_leads(found, direction)))


def _leads(found: Mapping[str, Estimate], direction: str) -> Iterator[tuple[str, str]]:
    corrected: Sequence[float] = holm([one.p() for one in found.values()]).tolist()
    for (name, one), p in zip(found.items(), corrected, strict=True):
        yield name, lead(one.low, one.high, direction, p < 1 - LEVEL)


def _codes(patients: NDArray[np.str_]) -> NDArray[np.int64]:
    """Return the cluster of each image: its patient, or where none is named the image itself."""
    if set(patients.tolist()) <= {""}:
        return np.arange(len(patients), dtype=np.int64)
    return np.unique(patients, return_inverse=True)[1].astype(np.int64)

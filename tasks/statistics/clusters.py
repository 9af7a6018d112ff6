"""The clusters of all intervals, chosen once and printed with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Level = Literal["patient", "slide", "section"]

MINIMUM = 5
"""Fewer clusters than this give no interval, since so few say too little of how clusters differ."""


@dataclass(frozen=True)
class Clusters:
    """The cluster of each unit.

    Attributes:
        level: the highest of patient, slide and section with enough clusters; None where none has.
        codes: int64 [N], the cluster of each unit, counted from 0 in order of first appearance; without a
            level all 0.
        count: how many clusters there are; 0 without a level.
        patients: how many patients the units come from.
        note: the sentence that is printed with every interval.
    """

    level: Level | None
    codes: NDArray[np.int64]
    count: int
    patients: int
    note: str


def choose_clusters(units: pd.DataFrame, minimum: int = MINIMUM) -> Clusters:
    """Return the clusters of ``units``, which have the columns patient_id, slide_id and section.

    A section is a connected tissue piece of one slide: its number counts within its slide.
    """
    keys: Sequence[tuple[Level, list[str]]] = (
        ("patient", ["patient_id"]),
        ("slide", ["patient_id", "slide_id"]),
        ("section", ["patient_id", "slide_id", "section"]),
    )
    found = []
    for level, columns in keys:
        codes: NDArray[np.int64] = (
            units.groupby(columns, sort=False, dropna=False).ngroup().to_numpy().astype(np.int64)
        )
        count = int(codes.max()) + 1 if len(codes) else 0
        found.append((level, count))
        if count >= minimum:
            return Clusters(level, codes, count, found[0][1], _note(level, count, found[0][1]))
    note = "no interval: " + ", ".join(_plural(count, level) for level, count in found)
    note += f", and at least {minimum} of a kind are needed"
    return Clusters(None, np.zeros(len(units), dtype=np.int64), 0, found[0][1], note)


def _note(level: Level, count: int, patients: int) -> str:
    return f"clustered by {level} ({count}), conditional on {_these(patients)}"


def _these(patients: int) -> str:
    return "this 1 patient" if patients == 1 else f"these {patients} patients"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"

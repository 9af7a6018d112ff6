"""Splits that are drawn, patient by patient, where a table names none."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tasks.interchange.errors import InterchangeError
from tasks.slides.row import Split


class SplitFractions(NamedTuple):
    """Fractions of the patients; they sum to 1."""

    train: float = 0.6
    val: float = 0.2
    test: float = 0.2


DEFAULT = SplitFractions()


def draw_splits(
    labels: Mapping[str, str], fractions: SplitFractions = DEFAULT, seed: int = 0
) -> dict[str, Split]:
    """Return the split of each patient: drawn label by label, independent of the sequence of ``labels``.

    Args:
        labels: {patient: label}; patients of one label are divided by the fractions, to one patient.
        fractions: how many go where.
        seed: of the draw.

    Raises:
        InterchangeError: a fraction is negative, or they do not sum to 1.

    Example:
        >>> splits = draw_splits({f"p{i}": "ab"[i % 2] for i in range(20)}, seed=1)
        >>> sorted(splits.values()).count("train"), sorted(splits.values()).count("test")
        (12, 4)
    """
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
        raise InterchangeError(
            f"fractions of splits are {tuple(fractions)}; they must sum to 1, none below 0"
        )
    by_label: dict[str, list[str]] = defaultdict(list)
    for patient in sorted(labels):
        by_label[labels[patient]].append(patient)
    rng = np.random.default_rng(seed)
    splits: dict[str, Split] = {}
    for label in sorted(by_label):
        patients = [by_label[label][i] for i in rng.permutation(len(by_label[label]))]
        first = round(len(patients) * fractions.train)
        second = round(len(patients) * (fractions.train + fractions.val))
        for number, patient in enumerate(patients):
            splits[patient] = "train" if number < first else "val" if number < second else "test"
    return splits

"""The axes: five properties that say which model, explainer and metric fit together.

A class declares its values as class variables. :func:`refuse_misfit` turns a pair that cannot work into one
sentence, so that ``validate`` refuses it before anything runs.
"""

from collections.abc import Collection, Mapping
from typing import Literal

Sample = Literal["tile", "bag"]
"""What a model takes as one input: one tile, or the features of all tiles of a slide."""

Input = Literal["pixels", "features"]
"""How a sample reaches a model: ``pixels`` [B, 3, H, W], or ``features`` [B, N, D] with a mask [B, N]."""

Support = Literal["pixel", "tile"]
"""What an explanation gives a value to: each pixel [B, H, W], or each tile of a bag [B, N]."""

MapKind = Literal["sensitivity", "contribution"]
"""What the values of a map say: how the margin moves when an element changes, or what an element adds to it.

The negative value of a contribution is evidence against the target. That of a sensitivity is none."""

Removal = Literal["fill_pixels", "drop_tiles"]
"""How a metric takes elements away."""

ScoreUnit = Literal["element", "tile", "section", "slide"]
"""What one score belongs to."""

INPUT_OF_SAMPLE: Mapping[Sample, Input] = {"tile": "pixels", "bag": "features"}
"""How each sample reaches a model."""

SUPPORT_OF_INPUT: Mapping[Input, Support] = {"pixels": "pixel", "features": "tile"}
"""What an explanation of each input gives values to."""

SUPPORT_OF_REMOVAL: Mapping[Removal, Support] = {"fill_pixels": "pixel", "drop_tiles": "tile"}
"""The support whose elements each removal takes away."""

UNITS_OF_SAMPLE: Mapping[Sample, frozenset[ScoreUnit]] = {
    "tile": frozenset({"element", "tile", "section"}),
    "bag": frozenset({"element", "slide"}),
}
"""What the explanations of each sample can be scored by."""


def refuse_misfit(
    where: str, subject: str, takes: Collection[str], giver: str, gives: Collection[str]
) -> None:
    """Raise ValueError with one sentence unless ``takes`` and ``gives`` share a value.

    Args:
        where: the key of the study file that names the subject.
        subject: who takes, with a verb, such as ``explainer 'gradient' reads``.
        takes: the values that the subject declares.
        giver: who gives, with a verb, such as ``the network takes``.
        gives: the values that the giver declares.
    """
    if not set(takes) & set(gives):
        raise ValueError(f"{where}: {subject} {_listed(takes)}, but {giver} {_listed(gives)}")


def _listed(values: Collection[str]) -> str:
    return " or ".join(sorted(values))

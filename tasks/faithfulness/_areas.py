"""Areas under removal curves: MoRF, LeRF and their gap, as scores and in words."""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.faithfulness._outputs import Output
from tasks.faithfulness._removal_curves import Order
from tasks.faithfulness.base import UnitScores
from tasks.functional.curves import area_under

_ORDERS: tuple[tuple[str, Literal["higher", "lower"], str], ...] = (
    ("morf", "lower", "most"),
    ("lerf", "higher", "least"),
)


def area_scores(
    traced: Mapping[Order, Mapping[Output, Tensor]], output: Output, fractions: Tensor
) -> UnitScores:
    """Return gap, MoRF and LeRF area of ``output``, with the curves of all outputs.

    Args:
        traced: for both orders the curve [n, S] of each output.
        output: which one is scored.
        fractions: [S] or [n, S], how much is removed at each step.
    """
    morf, lerf = (area_under(traced[order][output], fractions) for order in ("morf", "lerf"))
    return UnitScores(
        values={"gap": lerf - morf, "morf": morf, "lerf": lerf},
        chance={"gap": torch.zeros_like(morf)},
        curves={f"{order}_{name}": line for order, lines in traced.items() for name, line in lines.items()},
        fractions=fractions,
    )


def area_infos(area: str, bounded: bool, suffix: str = "") -> tuple[ScoreInfo, ...]:
    """Return gap, MoRF and LeRF area.

    Args:
        area: the meaning of an area, with ``%s`` where ``most`` or ``least`` goes.
        bounded: whether the curve lies between 0 and 1.
        suffix: of the names, such as ``_accuracy``.
    """
    lowest, highest = (0.0, 1.0) if bounded else (None, None)
    return (
        ScoreInfo(
            name=gap_of(suffix),
            direction="higher",
            lower_bound=-1.0 if bounded else None,
            upper_bound=highest,
            meaning="LeRF area less MoRF area; 0 for a map that says nothing",
        ),
        *(
            ScoreInfo(
                name=f"{order}{suffix}",
                direction=direction,
                lower_bound=lowest,
                upper_bound=highest,
                meaning=area % first,
            )
            for order, direction, first in _ORDERS
        ),
    )


def gap_of(suffix: str) -> str:
    """Return the name of the gap of two areas with this suffix."""
    return f"{suffix}_gap".strip("_")

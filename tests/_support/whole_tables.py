"""The tables of a report made at once from all blocks: a second, plainer way, to hold the streamed one to."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from tasks.artifacts.faithfulness_report import SCORE_COLUMNS
from tasks.faithfulness.base import UnitScores


def score_table(units: pd.DataFrame, names: Sequence[str], blocks: Sequence[UnitScores]) -> pd.DataFrame:
    """Return the long form: for each unit, in order, one row for each named score."""
    rows = []
    for block in blocks:
        for place in range(len(next(iter(block.values.values())))):
            for name in names:
                value = block.values[name].double()[place].item()
                rest = [_at(part.get(name), place) for part in (block.chance, block.errors)]
                rows.append([name, value, *rest])
    table = units.loc[units.index.repeat(len(names))].reset_index(drop=True)
    for column, values in zip(("score", "value", "chance", "error"), zip(*rows, strict=True), strict=True):
        table[column] = list(values)
    return table[list(SCORE_COLUMNS)]


def curve_table(units: pd.DataFrame, blocks: Sequence[UnitScores]) -> pd.DataFrame:
    """Return the curves in long form, one curve after the other."""
    rows = []
    for name in blocks[0].curves:
        place = 0
        for block in blocks:
            assert block.fractions is not None
            heights = block.curves[name].double().numpy()
            axis = np.broadcast_to(block.fractions.double().numpy(), heights.shape)
            for own, height in zip(axis, heights, strict=True):
                unit = units.iloc[place]
                rows += [(unit["unit_id"], unit["slide_id"], name, *p) for p in zip(own, height, strict=True)]
                place += 1
    return pd.DataFrame(rows, columns=["unit_id", "slide_id", "curve", "fraction", "value"])


def _at(values: torch.Tensor | None, place: int) -> float:
    return float("nan") if values is None else values.double()[place].item()

"""Long tables of blocks."""

import numpy as np
import pandas as pd
import torch

from tasks.evaluation.result import UNIT_COLUMNS, curve_table, exclusions, score_table
from tasks.faithfulness.base import UnitScores


def units(count: int) -> pd.DataFrame:
    values = {"unit": "tile", "unit_id": [f"t{i}" for i in range(count)], "slide_id": "s", "patient_id": "p"}
    return pd.DataFrame({**values, "section": 1, "label": "tumour"})[UNIT_COLUMNS]


BLOCKS = [
    UnitScores(
        values={"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([3.0, 4.0])},
        chance={"b": torch.tensor([0.1, 0.2])},
        errors={"a": torch.tensor([0.5, 0.6])},
        curves={"c": torch.tensor([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])},
        fractions=torch.tensor([0.0, 0.5, 1.0]),
        excluded={"why": torch.tensor([True, False])},
    ),
    UnitScores(
        values={"a": torch.tensor([5.0]), "b": torch.tensor([6.0])},
        chance={"b": torch.tensor([0.3])},
        errors={"a": torch.tensor([0.7])},
        curves={"c": torch.tensor([[6.0, 7.0, 8.0]])},
        fractions=torch.tensor([0.0, 0.5, 1.0]),
        excluded={"why": torch.tensor([True])},
    ),
]


def test_scores_are_listed_unit_by_unit():
    table = score_table(units(3), ["a", "b"], BLOCKS)
    assert table["unit_id"].tolist() == ["t0", "t0", "t1", "t1", "t2", "t2"]
    assert table["score"].tolist() == ["a", "b"] * 3
    assert table["value"].tolist() == [1, 3, 2, 4, 5, 6]
    np.testing.assert_allclose(table["chance"], [np.nan, 0.1, np.nan, 0.2, np.nan, 0.3], rtol=1e-6)
    np.testing.assert_allclose(table["error"], [0.5, np.nan, 0.6, np.nan, 0.7, np.nan], rtol=1e-6)


def test_curves_are_listed_point_by_point():
    table = curve_table(units(3), BLOCKS)
    assert table["value"].tolist() == list(range(9))
    assert table["fraction"].tolist() == [0.0, 0.5, 1.0] * 3
    assert table["unit_id"].tolist() == ["t0"] * 3 + ["t1"] * 3 + ["t2"] * 3


def test_reasons_are_counted():
    assert exclusions(BLOCKS) == {"why": 2}
    assert exclusions([]) == {}

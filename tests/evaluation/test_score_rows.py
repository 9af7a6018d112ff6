"""Rows of numbers come back as they were given, and nothing of a block stays in memory."""

import gc
from dataclasses import replace

import numpy as np
import pytest
import torch

from tasks.artifacts.spill import Spill
from tasks.evaluation.score_rows import RowLayout, ScoreRows
from tasks.faithfulness.base import UnitScores


def block(count: int, seed: int, axis_per_unit: bool = False) -> UnitScores:
    draw = torch.Generator().manual_seed(seed)
    return UnitScores(
        values={"a": torch.rand(count, generator=draw), "b": torch.rand(count, generator=draw).double()},
        chance={"b": torch.rand(count, generator=draw)},
        errors={"a": torch.rand(count, generator=draw)},
        curves={"c": torch.rand(count, 3, generator=draw), "d": torch.rand(count, 3, generator=draw)},
        fractions=torch.rand((count, 3) if axis_per_unit else 3, generator=draw),
        excluded={
            "why": torch.rand(count, generator=draw) > 0.5,
            "never": torch.zeros(count, dtype=torch.bool),
        },
    )


def together(tensors: list[torch.Tensor]) -> np.ndarray:
    return torch.cat([tensor.double() for tensor in tensors]).numpy()


@pytest.mark.parametrize("buffer", [1, 300, 1 << 20])
@pytest.mark.parametrize("axis_per_unit", [False, True])
def test_every_number_comes_back_in_its_place(buffer, axis_per_unit):
    blocks = [block(count, seed, axis_per_unit) for seed, count in enumerate((5, 1, 9, 3))]
    rows = ScoreRows(Spill(1), buffer)
    for each in blocks:
        rows.add(each)
    tables = list(rows.tables())
    for kind, name in (("values", "a"), ("values", "b"), ("chance", "b"), ("errors", "a")):
        found = np.concatenate([table.column(kind, name) for table in tables])
        assert found.tolist() == together([getattr(each, kind)[name] for each in blocks]).tolist()
    for kind, name in (("chance", "a"), ("errors", "b")):
        assert all(np.isnan(table.column(kind, name)).all() for table in tables)
    for name in ("c", "d"):
        found = np.concatenate([table.curve(name) for table in tables])
        assert found.tolist() == together([each.curves[name] for each in blocks]).tolist()
    axes = together([each.fractions.expand(each.curves["c"].shape) for each in blocks])
    assert np.concatenate([table.curve(None) for table in tables]).tolist() == axes.tolist()
    why = sum(int(each.excluded["why"].sum()) for each in blocks)
    assert rows.counted() == {"why": why, "never": 0}


def test_a_block_of_another_form_follows():
    """A slide without a mask may have no chance level, where others have one."""
    first, second = block(2, 0), replace(block(3, 1), chance={}, excluded={"else": torch.ones(3).bool()})
    rows = ScoreRows(Spill())
    rows.add(first)
    rows.add(second)
    found = np.concatenate([table.column("chance", "b") for table in rows.tables()])
    assert found[:2].tolist() == first.chance["b"].double().tolist()
    assert np.isnan(found[2:]).all()
    assert rows.counted() == {"why": int(first.excluded["why"].sum()), "never": 0, "else": 3}


def test_a_score_that_is_not_there_is_an_error():
    rows = ScoreRows(Spill())
    rows.add(block(2, 0))
    with pytest.raises(KeyError, match="no score 'z' among a, b"):
        next(rows.tables()).column("values", "z")


def test_nothing_at_all():
    rows = ScoreRows(Spill())
    assert list(rows.tables()) == []
    assert rows.counted() == {}


def test_a_layout_without_an_axis_has_no_curve():
    assert RowLayout.of(replace(block(2, 0), fractions=None)).curves == ()


def test_no_tensor_outlives_its_block():
    """Small tensors between the large ones of a block would keep the heap from shrinking."""

    def alive() -> int:
        gc.collect()
        return sum(isinstance(each, torch.Tensor) for each in gc.get_objects())

    rows = ScoreRows(Spill(1))
    rows.add(block(4, 0))
    before = alive()
    for seed in range(50):
        rows.add(block(4, seed))
    assert alive() == before

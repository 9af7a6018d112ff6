"""One transfer brings everything, in order."""

import torch

from tasks.evaluation.host import to_host
from tasks.faithfulness.base import UnitScores


def test_every_tensor_comes_back_in_its_place_as_float64(monkeypatch):
    blocks = [
        UnitScores(
            values={"a": torch.rand(n), "b": torch.rand(n, dtype=torch.float64)},
            chance={"a": torch.zeros(n)},
            curves={"c": torch.rand(n, 4)},
            fractions=torch.linspace(0, 1, 4),
            excluded={"why": torch.rand(n) > 0.5},
        )
        for n in (3, 5, 1)
    ]
    transfers = []
    original = torch.Tensor.cpu
    monkeypatch.setattr(torch.Tensor, "cpu", lambda self: transfers.append(1) or original(self))
    found = to_host(blocks)
    assert len(transfers) == 1
    for before, after in zip(blocks, found, strict=True):
        for kind in ("values", "chance", "curves", "excluded"):
            for name, tensor in getattr(before, kind).items():
                moved = getattr(after, kind)[name]
                assert moved.dtype == torch.float64
                assert torch.equal(moved, tensor.double())
        assert torch.equal(after.fractions, before.fractions.double())


def test_nothing_to_bring():
    assert to_host([]) == []

"""Picking out a mask: hand-made rows, sklearn, and every trap of ties."""

import math

import pytest
import torch
from sklearn.metrics import roc_auc_score

from tasks.functional.hits import auc_inside, fraction_of_top
from tasks.functional.ranking import descending_ranks

ALL = torch.ones(1, 6, dtype=torch.bool)
MASK = torch.tensor([[True, True, False, False, False, False]])


def row(*values: float) -> torch.Tensor:
    return torch.tensor([values])


def bits(share: float, seed: int) -> torch.Tensor:
    return torch.rand(8, 200, generator=torch.Generator().manual_seed(seed)) < share


@pytest.mark.parametrize("levels", [2, 5, 10_000])
def test_the_area_is_sklearns_on_what_lies_inside(levels):
    values = torch.randint(levels, (8, 200), generator=torch.Generator().manual_seed(0)).float() - 1
    mask, inside = bits(0.3, 1), bits(0.6, 2)
    expected = [
        roc_auc_score(mask[i, inside[i]].numpy(), values[i, inside[i]].numpy()) for i in range(len(values))
    ]
    assert auc_inside(values, mask, inside).tolist() == pytest.approx(expected, abs=1e-12)


def test_the_area_of_a_constant_row_is_half_and_of_one_class_unknown():
    assert auc_inside(torch.full((1, 6), 7.0), MASK, ALL).item() == 0.5
    assert auc_inside(torch.rand(1, 6), ALL, ALL).isnan().all()
    assert auc_inside(torch.rand(1, 6), ~ALL, ALL).isnan().all()
    assert auc_inside(torch.rand(1, 6), MASK, ~MASK).isnan().all()


@pytest.mark.parametrize(("count", "share"), [(1, 0.0), (2, 0.5), (3, 1 / 3), (4, 0.5), (5, 0.4), (6, 1 / 3)])
def test_the_share_without_ties_is_counted(count, share):
    """In falling order the mask holds the second and the fourth."""
    values = row(5.0, 3.0, 6.0, 4.0, 2.0, 1.0)
    assert fraction_of_top(values, MASK, ALL, torch.tensor([count])).item() == pytest.approx(share, abs=1e-15)


def test_ties_for_the_last_places_count_by_their_share():
    """One clear hit, then three that tie for two places, one of them on the mask: (1 + 2 / 3) / 3."""
    values = row(9.0, 1.0, 1.0, 1.0, 0.0, 0.0)
    assert fraction_of_top(values, MASK, ALL, torch.tensor([3])).item() == pytest.approx(5 / 9, abs=1e-15)


def test_a_constant_row_is_no_hit_but_chance():
    for count in (1, 2, 6):
        found = fraction_of_top(torch.zeros(1, 6), MASK, ALL, torch.tensor([count])).item()
        assert found == pytest.approx(1 / 3, abs=1e-15)


def test_what_lies_outside_is_neither_high_nor_tied():
    inside = torch.tensor([[True, False, True, True, False, False]])
    values = row(1.0, 9.0, 1.0, 0.0, 1.0, 9.0)
    assert fraction_of_top(values, MASK, inside, torch.tensor([1])).item() == 0.5
    assert fraction_of_top(values, MASK, inside, torch.tensor([3])).item() == pytest.approx(1 / 3)
    assert fraction_of_top(values, MASK, ~ALL, torch.tensor([1])).isnan().all()


def test_the_expectation_is_the_mean_over_random_orders():
    values, mask = row(2.0, 1.0, 1.0, 1.0, 1.0, 0.0), torch.tensor([[False, True, False, True, True, True]])
    draws = torch.rand(4000, 6, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    chosen = descending_ranks(values.expand(4000, -1), draws) < 3
    shares = (chosen & mask).sum(1).double() / 3
    expected = fraction_of_top(values, mask, ALL, torch.tensor([3])).item()
    assert expected == pytest.approx(0.5, abs=1e-15)
    assert abs(shares.mean().item() - expected) < 4 * shares.std().item() / math.sqrt(4000)

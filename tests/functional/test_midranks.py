"""Ranks with ties, against scipy."""

import pytest
import torch
from scipy.stats import rankdata

from tasks.functional.midranks import midranks


@pytest.mark.parametrize("levels", [1, 3, 10_000])
def test_they_are_scipys_row_by_row(levels):
    values = torch.randint(levels, (6, 50), generator=torch.Generator().manual_seed(levels)).float() - 2
    assert midranks(values).tolist() == rankdata(values.numpy(), axis=1).tolist()


def test_infinities_and_both_zeros_have_their_places():
    values = torch.tensor([[0.0, -torch.inf, -0.0, torch.inf, -torch.inf]])
    assert midranks(values).tolist() == [[3.5, 1.5, 3.5, 5.0, 1.5]]


def test_a_turned_view_is_ranked_like_its_copy():
    values = torch.rand(8, 5, generator=torch.Generator().manual_seed(0)).T
    assert torch.equal(midranks(values), midranks(values.clone(memory_format=torch.contiguous_format)))


@pytest.mark.parametrize("count", [0, 1])
def test_rows_too_short_for_a_tie(count):
    assert midranks(torch.zeros(3, count)).tolist() == [[1.0] * count] * 3

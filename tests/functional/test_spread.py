"""Spread with answers by hand and by scipy."""

import math

import pytest
import torch
from scipy.stats import entropy

from tasks.functional.spread import fraction_above, relative_entropy


def test_the_entropy_of_known_rows():
    rows = torch.tensor([[3.0, 3, 3, 3], [0, 7, 0, 0], [1, 1, 0, 0], [2, 1, 1, 0], [0, 0, 0, 0]])
    found = relative_entropy(rows).tolist()
    assert found[:4] == pytest.approx([1.0, 0.0, 0.5, 0.75], abs=1e-15)
    assert math.isnan(found[4])


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_the_entropy_is_scipys_and_knows_no_scale(scale):
    rows = torch.rand(5, 300, generator=torch.Generator().manual_seed(0))
    expected = entropy(rows.double().numpy(), axis=1) / math.log(300)
    assert relative_entropy(rows * scale).tolist() == pytest.approx(expected.tolist(), rel=1e-6)


@pytest.mark.parametrize("count", [3, 7, 256, 9216])
def test_equal_values_never_exceed_one(count):
    assert relative_entropy(torch.full((1, count), 0.1)).item() == pytest.approx(1.0, abs=1e-12)
    assert relative_entropy(torch.full((1, count), 0.1)).item() <= 1.0


def test_the_fraction_above_of_known_rows():
    rows = torch.tensor([[8.0, 4, 2, 1], [0, 7, 0, 0], [5, 5, 5, 5], [0, 0, 0, 0]])
    assert fraction_above(rows, 0.25).tolist()[:3] == [0.5, 0.25, 1.0]
    assert fraction_above(rows, 0.0).tolist()[:3] == [1.0, 0.25, 1.0]
    assert fraction_above(rows, 0.25).isnan().tolist() == [False, False, False, True]
    assert torch.equal(fraction_above(rows[:3] * 1e-30, 0.25), fraction_above(rows[:3], 0.25))


def test_elements_that_do_not_exist_count_for_nothing():
    values = torch.tensor([[3.0, 1.0, 1.0]])
    padded, elements = torch.cat([values, torch.full((1, 4), 7.0)], dim=1), torch.arange(7)[None] < 3
    torch.testing.assert_close(relative_entropy(padded, elements), relative_entropy(values))
    torch.testing.assert_close(fraction_above(padded, 0.5, elements), fraction_above(values, 0.5))

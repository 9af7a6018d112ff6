"""Whole numbers add up in any order."""

import torch

from tasks.functional.whole_numbers import whole_numbers


def test_they_are_parts_of_the_largest_magnitude_of_their_own_row():
    values = torch.tensor([[1.0, -2.0, 0.5], [300.0, 0.0, -75.0]])
    parts = torch.tensor([[0.5, -1.0, 0.25], [1.0, 0.0, -0.25]]) * 2**32
    assert whole_numbers(values).tolist() == parts.long().tolist()
    assert whole_numbers(torch.zeros(1, 3)).tolist() == [[0, 0, 0]]


def test_the_least_float_is_no_reason_to_overflow():
    least = torch.full((1, 2), 1e-45)
    assert whole_numbers(least).tolist() == [[2**32, 2**32]]


def test_sums_do_not_depend_on_the_order_where_sums_of_floats_do():
    values = torch.randn(1, 10_000, generator=torch.Generator().manual_seed(0))
    orders = [torch.randperm(10_000, generator=torch.Generator().manual_seed(n)) for n in range(8)]
    assert len({float(values[:, order].sum()) for order in orders}) > 1
    assert len({int(whole_numbers(values)[:, order].sum()) for order in orders}) == 1


def test_the_mean_of_equal_values_is_theirs_whatever_their_number():
    parts = whole_numbers(torch.tensor([[0.1] * 9 + [0.7]]))[0, :9]
    means = {float(parts[:count].sum().double() / count) for count in range(1, 10)}
    assert len(means) == 1

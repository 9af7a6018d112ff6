"""The Gini index."""

import numpy as np
import pytest
import torch

from tasks.functional.sparseness import gini


def test_equal_values_give_zero_and_a_single_one_nearly_one():
    single = torch.zeros(100)
    single[37] = 5.0
    assert gini(torch.stack([torch.ones(100), single, torch.zeros(100)])).tolist() == pytest.approx(
        [0.0, 0.99, 0.0], abs=1e-12
    )


def test_it_is_half_the_relative_mean_difference():
    """The other definition of the index, over all pairs."""
    values = np.random.default_rng(0).gamma(1.0, size=60)
    pairs = np.abs(values[:, None] - values[None]).mean() / (2 * values.mean())
    assert gini(torch.from_numpy(values[None])).item() == pytest.approx(pairs)


def test_scale_does_not_matter_and_the_input_stays():
    values = torch.rand(3, 50, generator=torch.Generator().manual_seed(0))
    before = values.clone()
    torch.testing.assert_close(gini(values), gini(values * 1e-6))
    assert torch.equal(values, before)


def test_elements_that_do_not_exist_count_for_nothing():
    values = torch.tensor([[3.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    padded, elements = torch.cat([values, torch.full((2, 4), 7.0)], dim=1), torch.arange(7)[None] < 3
    torch.testing.assert_close(gini(padded, elements.expand(2, -1)), gini(values))


def test_not_a_number_stays_one():
    values = torch.ones(2, 5)
    values[1, 2] = torch.nan
    assert gini(values).isnan().tolist() == [False, True]

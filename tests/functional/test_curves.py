"""Areas under curves."""

import numpy as np
import pytest
import torch
from sklearn.metrics import auc

from tasks.functional.curves import area_under, ragged_step_counts, step_counts


def test_steps_run_from_none_to_all():
    assert step_counts(10, 4).tolist() == [0, 2, 5, 8, 10]
    assert step_counts(256, 16).diff().tolist() == [16] * 16


def test_a_constant_curve_has_its_height_and_a_ramp_a_half():
    fractions = torch.linspace(0, 1, 7, dtype=torch.float64)
    areas = area_under(torch.stack([torch.full_like(fractions, 0.3), fractions]), fractions)
    assert areas.tolist() == pytest.approx([0.3, 0.5])


def test_uneven_steps_agree_with_sklearn():
    generator = np.random.default_rng(0)
    fractions = np.sort(np.concatenate([[0, 1], generator.uniform(size=9)]))
    heights = generator.uniform(size=11)
    ours = area_under(torch.from_numpy(heights), torch.from_numpy(fractions))
    assert ours.item() == pytest.approx(auc(fractions, heights))


def test_samples_of_unequal_size_have_the_steps_of_each():
    counts = ragged_step_counts(torch.tensor([10, 1, 37]), 4)
    for column, elements in enumerate((10, 1, 37)):
        assert torch.equal(counts[:, column], step_counts(elements, 4))


def test_each_curve_may_have_an_axis_of_its_own():
    curves = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], dtype=torch.float64)
    axes = torch.tensor([[0.0, 0.5, 1.0], [0.0, 0.1, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(area_under(curves, axes), torch.tensor([0.25, 0.05], dtype=torch.float64))

"""Counts of tiles, and means over them."""

import numpy as np
import pytest
import torch

from tasks.faithfulness._tile_counts import distinct_mean, even_counts, growing_counts, on_axis

SIZES = [1, 2, 3, 37, 500, 20_000]


@pytest.mark.parametrize("counts_of", [even_counts, growing_counts])
@pytest.mark.parametrize("size", SIZES)
def test_counts_run_from_none_to_all_in_at_most_so_many_distinct_steps(counts_of, size):
    counts = counts_of(torch.tensor([size]), 32, size)[:, 0]
    assert counts[0] == 0
    assert counts[-1] == size
    assert (counts.diff() >= 0).all()
    assert len(set(counts.tolist())) == min(32, size) + 1


@pytest.mark.parametrize("size", SIZES[:4])
def test_one_tile_a_step_is_every_count(size):
    counts = even_counts(torch.tensor([size, 2]), None, size)
    assert sorted(set(counts[:, 0].tolist())) == list(range(size + 1))
    assert counts[-1].tolist() == [size, 2]
    assert len(counts) >= 3


def test_growing_counts_tell_few_tiles_apart_and_grow_by_ratios():
    counts = growing_counts(torch.tensor([20_000]), 64, 20_000)[:, 0].double()
    assert counts[:11].tolist() == list(range(11))
    ratios = counts[30:] / counts[29:-1]
    assert (ratios < 1.2).all()


def test_a_bag_has_the_same_counts_in_any_company():
    for counts_of in (even_counts, growing_counts):
        together = counts_of(torch.tensor(SIZES), 32, max(SIZES))
        for place, size in enumerate(SIZES):
            assert torch.equal(together[:, place], counts_of(torch.tensor([size]), 32, size)[:, 0])


def test_a_mean_takes_each_count_once():
    counts = torch.tensor([[0, 0], [0, 1], [1, 2], [1, 3]])
    values = torch.tensor([[9.0, 9.0, 4.0, 4.0], [9.0, 1.0, 2.0, 6.0]]).double()
    assert distinct_mean(values, counts).tolist() == [4.0, 3.0]
    assert distinct_mean(values[None], counts).tolist() == [[4.0, 3.0]]


def test_curves_on_a_common_axis_are_those_of_numpy():
    counts = even_counts(torch.tensor([3, 37]), 32, 37)
    fractions = (counts.double() / counts[-1]).T
    # A step that repeats a count repeats its value.
    curves = torch.sin(5 * fractions)
    found = on_axis(curves, fractions, 8)
    axis = np.linspace(0, 1, 9)
    for own, share, got in zip(curves, fractions, found, strict=True):
        places, first = np.unique(share.numpy(), return_index=True)
        np.testing.assert_allclose(got.numpy(), np.interp(axis, places, own.numpy()[first]), atol=1e-12)

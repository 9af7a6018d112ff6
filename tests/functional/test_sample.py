"""Samples of tiles."""

import numpy as np

from tasks.functional.sample import sampled
from tasks.functional.tile_keys import tile_keys

IDS = [f"slide/{x}_{y}" for x in range(20) for y in range(10)]


def test_all_are_taken_where_none_are_too_many():
    assert sampled(IDS, None).tolist() == list(range(200))
    assert sampled(IDS[:3], 3).tolist() == [0, 1, 2]
    assert sampled([], 5).tolist() == []


def test_a_smaller_sample_lies_within_a_larger_one_whatever_the_order():
    small, large = sampled(IDS, 12), sampled(IDS, 60)
    assert len(small) == 12
    assert set(small) < set(large)
    turned = IDS[::-1]
    assert {IDS[i] for i in small} == {turned[i] for i in sampled(turned, 12)}
    assert (np.diff(small) > 0).all()


def test_the_lowest_keys_are_taken():
    keys = tile_keys(IDS).numpy()
    assert keys[sampled(IDS, 7)].max() == np.sort(keys)[6]

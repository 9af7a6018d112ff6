"""Which tiles of a slide are explained."""

from tasks.samples.sampled_tiles import sampled_rows
from tests._support.tile_sets import make_tile_set


def test_failed_tiles_are_left_out_and_a_sample_lies_within_a_larger_one(tmp_path):
    tiles = make_tile_set(tmp_path, "s1", "p1", "test", 30, failed=(3, 17))
    every = sampled_rows(tiles, None).tolist()
    assert every == [row for row in range(30) if row not in (3, 17)]
    some, few = (sampled_rows(tiles, most).tolist() for most in (12, 5))
    assert len(some) == 12
    assert set(few) < set(some) < set(every)
    assert some == sorted(some)

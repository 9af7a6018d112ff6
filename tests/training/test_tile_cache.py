"""The cache of tiles: bounded, first come first kept, and right for several threads."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tasks.training.tile_cache import TileCache

SHAPE = (64, 64, 16)  # 64 kB, so 16 to a megabyte
TILES = np.random.default_rng(0).integers(0, 256, (40, *SHAPE), dtype=np.uint8)


def taken(cache, positions):
    out = np.zeros((len(positions), *SHAPE), np.uint8)
    held = cache.take(np.array(positions), out)
    return held.tolist(), out


def test_it_gives_what_it_was_given_until_it_is_full():
    cache = TileCache(40, SHAPE, megabytes=1)
    assert taken(cache, [0, 5])[0] == [False, False]
    cache.keep(np.arange(10), TILES[:10])
    held, out = taken(cache, [3, 20, 9, 3])
    assert held == [True, False, True, True]
    np.testing.assert_array_equal(out[[0, 2, 3]], TILES[[3, 9, 3]])
    cache.keep(np.arange(8, 30), TILES[8:30])
    assert taken(cache, range(40))[0] == [True] * 16 + [False] * 24


@pytest.mark.parametrize("megabytes", [0, 1, 100])
def test_more_than_all_tiles_need_no_room(megabytes):
    cache = TileCache(40, SHAPE, megabytes)
    cache.keep(np.arange(40), TILES)
    assert sum(taken(cache, range(40))[0]) == min(40, 16 * megabytes)


def test_threads_get_right_tiles_or_none():
    cache = TileCache(40, SHAPE, megabytes=2)

    def work(seed):
        for _ in range(20):
            positions = np.random.default_rng(seed).integers(0, 40, 8)
            held, out = taken(cache, positions)
            assert (out[held] == TILES[positions][held]).all()
            cache.keep(positions, TILES[positions])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(12)))

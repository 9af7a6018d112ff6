"""Keys of tiles."""

import hashlib

import torch

from tasks.functional.tile_keys import tile_keys


def test_a_key_is_the_first_eight_bytes_of_the_sha256():
    expected = int.from_bytes(hashlib.sha256(b"slide_1/0_64").digest()[:8], "little", signed=True)
    assert tile_keys(["slide_1/0_64"]).tolist() == [expected]


def test_keys_know_neither_order_nor_company():
    names = [f"s/{i}_{j}" for i in range(20) for j in range(20)]
    keys = tile_keys(names)
    assert keys.dtype == torch.int64
    assert len(set(keys.tolist())) == 400
    assert torch.equal(tile_keys(names[::-1]).flip(0), keys)
    assert tile_keys([]).shape == (0,)

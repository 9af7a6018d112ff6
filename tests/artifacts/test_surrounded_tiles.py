"""Tiles with their surroundings, read back."""

import numpy as np
import pandas as pd

from tasks.artifacts.surrounded_tiles import SURROUNDED, SURROUNDED_INDEX, SurroundedTiles


def test_the_payload_is_read_back(tmp_path):
    pixels = np.arange(2 * 8 * 8 * 3, dtype=np.uint8).reshape(2, 8, 8, 3)
    np.save(tmp_path / SURROUNDED, pixels)
    index = pd.DataFrame({"tile_id": ["s/0_0", "s/4_0"], "halo_px": 2, "filled": [False, True]})
    index.to_parquet(tmp_path / SURROUNDED_INDEX)
    stored = SurroundedTiles(tmp_path)
    assert stored.halo_px == 2
    assert stored.index["filled"].tolist() == [False, True]
    assert (stored.pixels == pixels).all()
    assert not stored.pixels.flags.writeable


def test_no_tiles_have_no_halo(tmp_path):
    pd.DataFrame({"tile_id": [], "halo_px": [], "filled": []}).to_parquet(tmp_path / SURROUNDED_INDEX)
    assert SurroundedTiles(tmp_path).halo_px == 0

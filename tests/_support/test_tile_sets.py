"""The synthetic tile sets of the other tests hold what they promise."""

import numpy as np

from tasks.artifacts.tile_set import COLUMNS
from tests._support.tile_sets import make_tile_set


def test_payload_is_complete_and_consistent(tmp_path):
    tiles = make_tile_set(tmp_path / "s", "s", "p", "train", 20, failed=(3,))
    assert list(tiles.table.columns) == [*COLUMNS, "coverage_tumour"]
    assert tiles.pixels.shape == (20, 16, 16, 3)
    assert tiles.evidence_mask is not None
    assert tiles.table["label"].value_counts().to_dict() == {"normal": 8, "tumour": 8, "mixed": 4}
    np.testing.assert_allclose(tiles.table.query("label == 'mixed'")["coverage_tumour"], 0.5)
    assert tiles.evidence_mask[tiles.annotation_mask == 0].sum() == 0
    assert tiles.evidence_mask[4].sum() > 0
    assert tiles.usable.tolist() == [i for i in range(20) if i != 3]
    assert (tiles.pixels[3] == 255).all()


def test_same_seed_same_bytes(tmp_path):
    first = make_tile_set(tmp_path / "a", "s", "p", "train", 12)
    second = make_tile_set(tmp_path / "b", "s", "p", "train", 12)
    other = make_tile_set(tmp_path / "c", "s", "p", "train", 12, seed=1)
    assert [f.read_bytes() for f in sorted(first.folder.iterdir())] == [
        f.read_bytes() for f in sorted(second.folder.iterdir())
    ]
    assert not np.array_equal(first.pixels, other.pixels)

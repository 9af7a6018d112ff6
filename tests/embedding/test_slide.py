"""A slide is encoded tile by tile, the same in any batch, and failed tiles have no features."""

import numpy as np
import pytest

from tasks.artifacts.feature_set import FeatureSet
from tasks.embedding.slide import EmbeddingSettings, embed_slide
from tasks.models.encoders.colour_statistics import ColourStatistics
from tests._support.tile_sets import make_tile_set


def embedded(tiles, folder, batch=64, dtype="float32"):
    folder.mkdir()
    embed_slide(tiles, "tumour", ColourStatistics(), EmbeddingSettings(dtype, batch), folder)
    return FeatureSet(folder)


def test_any_batch_gives_the_same_features(tmp_path):
    tiles = make_tile_set(tmp_path / "tiles", "s", "p", "train", 20, failed=(3,))
    whole, parts = embedded(tiles, tmp_path / "a"), embedded(tiles, tmp_path / "b", batch=7)
    np.testing.assert_allclose(whole.features(), parts.features(), atol=1e-6)
    assert whole.tile_ids == tiles.table["tile_id"].drop(3).tolist()
    assert whole.facts.level0_mpp == pytest.approx(0.5)
    assert whole.facts.label == "tumour"


def test_mixed_tiles_have_no_label_of_their_own(tmp_path):
    tiles = make_tile_set(tmp_path / "tiles", "s", "p", "train", 5)
    assert embedded(tiles, tmp_path / "a").labels(("normal", "tumour")).tolist() == [0, 0, -1, 1, 1]


def test_marks_are_fractions_of_their_tiles_and_nothing_where_nobody_marked(tmp_path):
    tiles = make_tile_set(tmp_path / "tiles", "s", "p", "train", 10, failed=(2,))
    made = embedded(tiles, tmp_path / "a")
    expected = np.asarray(tiles.evidence_mask)[tiles.usable].mean((1, 2))
    assert expected.max() > 0
    np.testing.assert_allclose(made.marked("evidence"), expected, rtol=1e-6)
    assert np.isnan(made.marked("artefact")).all()


def test_darkness_is_the_mean_optical_density(tmp_path):
    tiles = make_tile_set(tmp_path / "tiles", "s", "p", "train", 5)
    density = -np.log10(np.clip(np.asarray(tiles.pixels) / 255, 1 / 255, 1)).mean((1, 2, 3))
    np.testing.assert_allclose(embedded(tiles, tmp_path / "a").about()[:, 2], density, rtol=1e-5)

"""Scores of tiles come back slide by slide, whatever lies beside them in the file."""

import numpy as np
import pytest

from tasks.artifacts.tile_scores import ROW_GROUP, ScoredBag, TileScores, write_tile_scores

SIZES = {"a": 3, "empty": 0, "large": ROW_GROUP + 5, "b": 2}


def bags():
    generator = np.random.default_rng(0)
    for slide, size in SIZES.items():
        index = {
            "slide_id": slide,
            "target": 1,
            "logit_0": 0.5,
            "logit_1": size,
            "completeness_error": np.nan,
        }
        yield ScoredBag(index, [f"{slide}/{n}" for n in range(size)], generator.normal(size=size))


def test_each_slide_has_its_own_values_in_the_order_of_its_bag(tmp_path):
    assert write_tile_scores(tmp_path, bags()) == sum(SIZES.values())
    stored = TileScores(tmp_path)
    assert stored.slides == list(SIZES)
    for bag in bags():
        slide = str(bag.index["slide_id"])
        values = stored.values(slide)
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, bag.values.astype(np.float32))
        assert stored.table(slide)["tile_id"].tolist() == bag.tile_ids
    assert stored.logits[:, 1].tolist() == list(SIZES.values())


def test_a_tile_that_was_not_explained_has_nan(tmp_path):
    write_tile_scores(tmp_path, [ScoredBag({"slide_id": "s"}, ["x", "y"], np.array([np.nan, -2.0]))])
    assert np.isnan(TileScores(tmp_path).values("s")).tolist() == [True, False]


def test_a_slide_without_scores_is_named(tmp_path):
    write_tile_scores(tmp_path, bags())
    with pytest.raises(KeyError, match="slide 'c' has no scores of tiles"):
        TileScores(tmp_path).values("c")

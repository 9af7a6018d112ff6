"""One place decides what the values of stored attributions belong to."""

import numpy as np
import pandas as pd
import pytest

from tasks.artifacts.attributions import Attributions, SupportError, create_maps
from tasks.artifacts.explained_samples import INDEX
from tasks.artifacts.tile_scores import ScoredBag, write_tile_scores


def index_of(names: list[str], column: str = "tile_id") -> pd.DataFrame:
    logits = {"logit_0": 0.5, "logit_1": -0.5, "logit_10": 2.0, "logit_2": 1.0}
    return pd.DataFrame({column: names, "target": 1, **logits, "completeness_error": np.nan})


def test_maps_are_of_support_pixel(tmp_path):
    maps = np.random.default_rng(0).normal(size=(3, 4, 4)).astype(np.float32)
    create_maps(tmp_path, 3, 4)[:] = maps
    index_of(["a", "b", "c"]).to_parquet(tmp_path / INDEX, index=False)
    stored = Attributions(tmp_path)
    assert stored.support == "pixel"
    assert np.array_equal(stored.pixel_maps.maps(), maps)
    assert np.array_equal(stored.pixel_maps.maps(slice(1, 2)), maps[1:2])
    assert stored.pixel_maps.index["tile_id"].tolist() == ["a", "b", "c"]
    assert stored.pixel_maps.logits.tolist() == [[0.5, -0.5, 1.0, 2.0]] * 3
    with pytest.raises(SupportError, match="values per pixel, needed: values per tile"):
        _ = stored.tile_scores


def test_scores_of_bags_are_of_support_tile(tmp_path):
    bag = ScoredBag({"slide_id": "slide"}, ["a", "b"], np.array([0.25, np.nan]))
    write_tile_scores(tmp_path, [bag])
    stored = Attributions(tmp_path)
    assert stored.support == "tile"
    assert stored.tile_scores.slides == ["slide"]
    with pytest.raises(SupportError, match="values per tile, needed: values per pixel"):
        _ = stored.pixel_maps


def test_both_are_of_the_kind_that_the_store_knows():
    assert Attributions.kind() == "Attributions"


def test_scores_of_tiles_are_opened_once_however_many_slides_are_asked_for(tmp_path, monkeypatch):
    """A colour scale asks every model for every slide."""
    bags = [ScoredBag({"slide_id": f"s{i}"}, ["x"], np.array([1.0])) for i in range(20)]
    write_tile_scores(tmp_path, bags)
    read, stored = [], Attributions(tmp_path)
    whole = pd.read_parquet
    monkeypatch.setattr(pd, "read_parquet", lambda path, *a, **k: read.append(path) or whole(path, *a, **k))
    assert all(f"s{i}" in stored.tile_scores for i in range(20))
    assert len(read) == 1

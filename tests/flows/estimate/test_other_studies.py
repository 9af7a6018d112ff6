"""How much work the records of other studies say they were."""

import pytest

from flows.estimate.other_studies import measured_elsewhere
from tasks.artifacts.spec import ArtifactSpec
from tasks.artifacts.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def made(store, stage, kind, measures, recipe, **inputs):
    spec = ArtifactSpec(stage=stage, label=f"{stage}/{len(recipe)}", kind=kind, recipe=recipe, inputs=inputs)
    return store.reuse_or_build(spec, lambda out: (out / "a").write_text(repr(recipe)) and measures)


def tiles(store, slide, count, tile_px=32):
    recipe = {"tiling": {"tile_px": tile_px}, "slide": {"slide_id": slide}}
    return made(store, "tile", "TileSet", {"seconds": 2.0, "tiles": float(count)}, recipe)


def test_work_is_pixels_and_epochs_of_what_an_artifact_reads(store):
    first, second = tiles(store, "a", 10), tiles(store, "b", 30)
    gradient = {"explainer": {"name": "gradient"}}
    maps = made(store, "explain", "Attributions", {"seconds": 4.0, "tiles": 5.0}, gradient, tiles=second)
    made(store, "train", "Checkpoint", {"seconds": 60.0, "epochs": 3.0}, {"x": 1}, a=first, b=second)
    measures, metric = {"seconds": 7.0}, {"metric": {"name": "gini", "id": "mine"}}
    made(store, "evaluate", "FaithfulnessReport", measures, metric, tiles=second, maps=maps)
    made(store, "compare", "Comparison", {"seconds": 9.0}, {"y": 1})
    stages = ("tile", "train", "explain", "evaluate", "compare")
    measured = {(m.key.stage, m.work): m for m in measured_elsewhere(store, stages)}
    assert set(measured) == {
        ("tile", 10 * 1024),
        ("tile", 30 * 1024),
        ("explain", 5 * 1024),
        ("train", 40 * 1024 * 3),
        ("evaluate", 5 * 1024),
    }
    assert measured["explain", 5 * 1024].key.explainer == "gradient"
    assert measured["evaluate", 5 * 1024].key.metric == "mine"
    assert measured["train", 40 * 1024 * 3].seconds == 60.0
    assert all(each.size is None for each in measured.values())


def test_only_the_stages_that_are_asked_for_are_read(store):
    tiles(store, "a", 10)
    assert list(measured_elsewhere(store, ("train",))) == []
    assert len(list(measured_elsewhere(store, ("tile",)))) == 1


def test_records_that_say_too_little_are_left_out(store):
    made(store, "tile", "TileSet", {"seconds": 2.0}, {"tiling": {"tile_px": 32}})
    made(store, "tile", "TileSet", {"seconds": 2.0, "tiles": 9.0}, {"tiling": None})
    made(store, "predict", "Predictions", {"seconds": 2.0}, {})
    assert list(measured_elsewhere(store, ("tile", "predict"))) == []

"""Room and memory of studies of level slide, by hand."""

import pytest
import torch

from flows.estimate.bags import bag_memory, bag_size, feature_dim
from flows.estimate.memory import LIBRARIES, memory_of
from flows.estimate.sizes import computed_size
from flows.estimate.units import UnitCounter
from flows.open_study import open_study
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.models.encoders.colour_statistics import ColourStatistics
from tasks.models.encoders.vit import Vit
from tasks.phantoms.generate import generate_cohort
from tasks.study.stage import Planned
from tests._support.studies import COHORT, tiny_config

MODEL = ModelKey("mean", 0)
TRAIN = {
    "arms": [{"id": "mean", "model": "mean_pool"}],
    "seeds": [0],
    "recipe": {"bag": {"model": "mean_pool", "tiles_per_bag": 100}, "epochs": 1, "batch": 2},
}
MAPS = {
    "explain": {"explainers": ["contribution"], "controls": []},
    "evaluate": {"metrics": ["tile_deletion"]},
}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    # Both classes to validate on, as slide models need.
    cohort = COHORT.model_copy(update={"val": (1, 1)})
    return generate_cohort(tmp_path_factory.mktemp("cohort"), cohort, lambda done: None)


@pytest.fixture
def study(manifest, tmp_path):
    config = tiny_config(manifest, level="slide", train=TRAIN, **MAPS)
    return open_study(config, tmp_path, None)


def test_a_feature_is_as_long_as_its_encoder_makes_it():
    dim = ColourStatistics().build()
    assert feature_dim(ColourStatistics()) == (dim(torch.rand(1, 3, 8, 8)).shape[1], False)
    assert feature_dim(Vit(weights="uni.bin", preset="uni")) == (1024, False)
    assert feature_dim(Vit(weights="v.bin", preset="virchow2")) == (2560, False)


def test_bytes_of_ten_tiles(study):
    dim, _ = feature_dim(ColourStatistics())
    assert computed_size(study, ArtifactKey("embed"), 10) == (10 * (2 * dim + 60), False)
    assert computed_size(study, ArtifactKey("explain"), 10) == (300.0, False)
    # A linear head on the mean: dim weights and a bias per class.
    assert computed_size(study, ArtifactKey("train", MODEL), 10) == (4.0 * 2 * (dim + 1), False)
    # One model: an overlay, the sheet and the leading tiles.
    assert bag_size(study, ArtifactKey("draw"), 10) == (600_000.0, True)


def test_memory_grows_with_the_largest_slide_and_in_training_with_what_a_step_shows(study):
    dim, _ = feature_dim(ColourStatistics())
    assert bag_memory(study, "explain", 5000) == 4.0 * 5000 * dim * 4
    assert bag_memory(study, "train", 5000) == 2 * 4.0 * 2 * 100 * dim * 4
    assert memory_of(study, "predict", 1e9, 5000) == LIBRARIES + 4.0 * 5000 * dim * 4
    assert memory_of(study, "compare", 1e9, 5000) is None


def test_what_reads_features_is_about_their_tiles():
    features = {slide: ArtifactKey("embed", slide=slide) for slide in ("a", "b")}
    units = UnitCounter({"a": 1000, "b": 50}, None)
    of_all = Planned(ArtifactKey("explain", MODEL, "contribution"), {}, (), inputs={"features": features})
    assert units.of(of_all) == 1050
    assert units.of(Planned(features["b"], {}, (), inputs={"tiles": ArtifactKey("tile", slide="b")})) == 50

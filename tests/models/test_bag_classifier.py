"""A slide model is loaded with the normalisation it was trained with, and is no tile classifier."""

import numpy as np
import pytest
import torch

from tasks.artifacts.checkpoint import INFO
from tasks.models.bag_classifier import bag_model, load_bag_classifier
from tasks.models.classifier import load_classifier
from tasks.models.errors import ModelError
from tasks.models.kept_classifier import kept_bag_classifier
from tasks.models.mil.abmil import Abmil
from tests._support.bag_models import SMALL, bags_of, labels_of, make_bag_checkpoint, trained_bag_classifier
from tests._support.feature_sets import make_bag_cohort
from tests._support.record_jobs import make_checkpoint

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    return make_bag_cohort(tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, sets):
    return make_bag_checkpoint(tmp_path_factory.mktemp("abmil") / "c", SMALL["abmil"], sets, seed=3)


def test_a_loaded_model_answers_as_the_one_that_was_trained(checkpoint, sets):
    loaded, trained = (
        load_bag_classifier(checkpoint, CPU),
        trained_bag_classifier(SMALL["abmil"], sets, seed=3),
    )
    bags = bags_of(sets)
    assert not loaded.training
    assert torch.equal(loaded(bags.features, bags.mask), trained(bags.features, bags.mask))
    rows = np.concatenate([each.features() for each in sets])
    np.testing.assert_allclose(loaded.mean.numpy(), rows.mean(0))
    np.testing.assert_allclose(loaded.std.numpy(), rows.std(0))


def test_the_small_models_learn_the_rule_of_the_bags(checkpoint, sets):
    bags = bags_of(sets)
    called = load_bag_classifier(checkpoint, CPU)(bags.features, bags.mask).argmax(1)
    assert (called == labels_of(sets)).float().mean() > 0.9


def test_what_is_written_says_what_the_model_takes(checkpoint):
    info = checkpoint.info
    assert info.sample == "bag"
    assert (info.bag.dim, info.bag.encoder.name) == (6, "made_up")
    assert bag_model(info.bag) == Abmil(embed=8, attention=4)
    written = (checkpoint.folder / INFO).read_text()
    assert not {"network", "mean", "std"} & set(info.model_dump())
    assert '"bag"' in written


def test_the_file_of_a_tile_classifier_does_not_mention_bags(tmp_path, checkpoint):
    tile = make_checkpoint(tmp_path / "t", 0)
    assert tile.info.sample == "tile"
    assert list(tile.info.model_dump()) == [
        "network", "classes", "target_class", "mpp", "tile_px", "mean", "std", "seed", "best_epoch", "scores"
    ]  # fmt: skip
    with pytest.raises(ModelError, match="'t' is of a tile classifier, not of a slide model"):
        load_bag_classifier(tile, CPU)
    with pytest.raises(ModelError, match="'c' is of a slide model"):
        load_classifier(checkpoint, CPU)


def test_a_slide_model_is_kept_for_the_next_build(checkpoint):
    with kept_bag_classifier(checkpoint, CPU) as first:
        pass
    with kept_bag_classifier(checkpoint, CPU) as second:
        assert second is first

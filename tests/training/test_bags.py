"""Bags are padded with zeros, and read in the order that is asked for."""

import numpy as np
import pytest
import torch

from tasks.training.bags import FeatureStore, split_bags
from tasks.training.errors import TrainingDataError
from tests._support.feature_sets import make_bag_cohort, make_feature_set

CLASSES = ("normal", "tumour")


def test_bags_are_padded_with_zeros(tmp_path):
    sets = make_bag_cohort(tmp_path, 4)
    store = FeatureStore(sets, 0)
    features, mask = store.bags([(1, np.array([0, 3])), (0, np.array([2]))], 4)
    np.testing.assert_array_equal(features[0, :2], sets[1].features()[[0, 3]])
    np.testing.assert_array_equal(features[1, 0], sets[0].features()[2])
    assert mask.tolist() == [[True, True, False, False], [True, False, False, False]]
    assert (features[~mask] == 0).all()


def test_whole_bags_come_in_the_order_asked_for(tmp_path):
    bags = split_bags(make_bag_cohort(tmp_path, 12), "train", CLASSES).bags()
    order = np.array([3, 0, 5])
    found = [
        (each.features.shape, places.tolist()) for each, places in bags.batches(order, 2, torch.device("cpu"))
    ]
    counts = bags.store.counts
    assert found == [((2, max(counts[3], counts[0]), 6), [3, 0]), ((1, counts[5], 6), [5])]


def test_slides_without_tiles_are_left_out(tmp_path):
    sets = make_bag_cohort(tmp_path / "c", 4)
    empty = make_feature_set(tmp_path / "e", "e", "p9", "train", "normal", tiles=1)
    path = empty.folder / "features.json"
    path.write_text(path.read_text().replace('"count": 1', '"count": 0'))
    found = split_bags([*sets, type(empty)(empty.folder)], "train", CLASSES)
    assert "e" not in {each.facts.slide_id for each in found.sets}


def test_a_class_without_a_labelled_tile_is_refused(tmp_path):
    sets = [make_feature_set(tmp_path / "n", "n", "p", "train", "normal")]
    with pytest.raises(TrainingDataError, match=r"split 'train' has no labelled tile of class \['tumour'\]"):
        split_bags(sets, "train", CLASSES).tiles()

"""A key prints as a label and knows its coordinates; nothing reads a label back."""

import pickle

import pytest

from tasks.artifacts.key import ArtifactKey, ModelKey


@pytest.mark.parametrize(
    ("key", "label", "short", "words"),
    [
        (ModelKey("standard", 0), "standard/seed0", "standard_s0", "standard, seed 0"),
        (ModelKey("a", 3, 1), "a/fold1/seed3", "a_f1_s3", "a, fold 1, seed 3"),
        (ModelKey("fold1", -2), "fold1/seed-2", "fold1_s-2", "fold1, seed -2"),
    ],
)
def test_a_model_is_named_in_three_ways(key, label, short, words):
    assert (key.label, key.short, key.words, str(key)) == (label, short, words, label)


@pytest.mark.parametrize(
    ("key", "label", "coordinates"),
    [
        (ArtifactKey("tile", slide="s1"), "tile/s1", {"slide": "s1"}),
        (ArtifactKey("train", ModelKey("a", 0)), "train/a/seed0", {"arm": "a", "seed": 0}),
        (
            ArtifactKey("explain", ModelKey("a", 0, 2), "gradient", "s1"),
            "explain/a/fold2/seed0/gradient/s1",
            {"arm": "a", "fold": 2, "seed": 0, "explainer": "gradient", "slide": "s1"},
        ),
        (
            ArtifactKey("evaluate", ModelKey("a", 1), "gradient", metric="gini"),
            "evaluate/a/seed1/gradient/gini",
            {"arm": "a", "seed": 1, "explainer": "gradient", "metric": "gini"},
        ),
        (ArtifactKey("compare"), "compare", {}),
    ],
)
def test_an_artifact_prints_as_its_label_and_has_its_coordinates(key, label, coordinates):
    assert key.label == str(key) == label
    assert key.coordinates == coordinates


def test_seed_0_and_fold_0_are_coordinates():
    assert ArtifactKey("train", ModelKey("a", 0, 0)).coordinates == {"arm": "a", "fold": 0, "seed": 0}


def test_keys_are_values():
    key = ArtifactKey("explain", ModelKey("a", 0), "gradient", "s1")
    assert pickle.loads(pickle.dumps(key)) == key
    assert len({key, ArtifactKey("explain", ModelKey("a", 0), "gradient", "s1")}) == 1
    assert key != ArtifactKey("explain", ModelKey("a", 1), "gradient", "s1")

import numpy as np
import pytest

from tasks.tiling.labels import labels_from_coverage
from tasks.tiling.recipe import TilingRecipe

TWO = TilingRecipe(mpp=1)
THREE = TilingRecipe(mpp=1, classes=("normal", "tumour", "necrosis"))


@pytest.mark.parametrize(
    ("covered", "label"),
    [
        (0, "normal"),
        (0.099, "normal"),
        (0.1, "mixed"),
        (0.5, "mixed"),
        (0.9, "mixed"),
        (0.901, "tumour"),
        (1, "tumour"),
    ],
)
def test_the_thresholds_are_those_of_the_recipe(covered, label):
    assert labels_from_coverage(np.array([[covered]]), TWO) == [label]


@pytest.mark.parametrize(
    ("covered", "label"),
    [((0.95, 0.05), "tumour"), ((0.0, 0.91), "necrosis"), ((0.5, 0.5), "mixed"), ((0.06, 0.06), "mixed")],
)
def test_several_classes(covered, label):
    assert labels_from_coverage(np.array([covered]), THREE) == [label]


@pytest.mark.parametrize(
    ("covered", "unlabelled", "label"),
    [
        (0.0, 0.95, ""),
        (0.0, 0.9, "mixed"),
        (0.0, 0.05, "normal"),
        (0.06, 0.06, "mixed"),
        (0.95, 0.05, "tumour"),
        (0.5, 0.5, "mixed"),
    ],
)
def test_what_has_no_label_counts_like_a_class_without_name(covered, unlabelled, label):
    assert labels_from_coverage(np.array([[covered]]), TWO, np.array([unlabelled])) == [label]

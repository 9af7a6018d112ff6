import numpy as np
import pytest

from tasks.slides.errors import SlideError
from tasks.slides.row import SlideRow
from tasks.tiling.labels import label_of_slide, labels_from_coverage
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


def test_a_slide_without_annotation_has_the_label_of_the_manifest_or_none():
    row = SlideRow(slide_id="a", patient_id="p", path="a", split="train", label="tumour")
    assert label_of_slide(row, TWO) == "tumour"
    assert label_of_slide(row.model_copy(update={"label": None}), TWO) == ""
    with pytest.raises(SlideError, match="a: the manifest's label 'cancer' is no class"):
        label_of_slide(row.model_copy(update={"label": "cancer"}), TWO)

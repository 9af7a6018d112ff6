import math

import pytest
from pydantic import ValidationError

from tasks.tiling.recipe import TilingRecipe, disc_um2


def test_lengths_come_in_micrometres():
    recipe = TilingRecipe(mpp=0.5, tile_px=64)
    assert (recipe.tile_um, recipe.stride_um) == (32, 32)
    assert TilingRecipe(mpp=0.5, stride_px=16).stride_um == 8
    assert disc_um2(2.0) == pytest.approx(math.pi)


def test_it_round_trips_through_json():
    recipe = TilingRecipe(mpp=0.972, outline_classes={"Tumor": "tumour", "Ink": "ignore"})
    assert TilingRecipe.model_validate_json(recipe.model_dump_json()) == recipe


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"mpp": 0}, "greater than 0"),
        ({"tile": 3}, "Extra inputs"),
        ({"normal_below": 0.9, "class_above": 0.1}, "lies above"),
        ({"saturation_range": (0.5, 0.1)}, "runs downwards"),
        ({"classes": ("a", "a")}, "must differ"),
        ({"classes": ("a", "mixed")}, "must differ"),
        ({"outline_classes": {"Tumor": "tumor"}}, "'tumor'; allowed are"),
    ],
)
def test_what_contradicts_itself_is_refused(fields, words):
    with pytest.raises(ValidationError, match=words):
        TilingRecipe.model_validate({"mpp": 1.0, **fields})

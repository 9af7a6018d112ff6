import pytest
from pydantic import ValidationError

from tasks.tiling.label_recipes import PointsRecipe, value_range
from tasks.tiling.recipe import TilingRecipe


def test_values_are_numbers_or_ranges():
    assert value_range("7") == (7, 7)
    assert value_range("128-255") == (128, 255)


@pytest.mark.parametrize("lines", [{0: "normal", "1 - 255": "tumour"}, {"0": "normal", "1-255": "tumour"}])
def test_yaml_numbers_and_spaces_give_the_same_recipe(lines):
    recipe = TilingRecipe(mpp=1, mask_classes=lines)
    assert recipe.mask_classes == {"0": "normal", "1-255": "tumour"}
    assert TilingRecipe.model_validate_json(recipe.model_dump_json()) == recipe


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ({"a": "tumour"}, "mask value 'a'; allowed are a number or a range"),
        ({"9-3": "tumour"}, "the smaller first"),
        ({"70000": "tumour"}, "allowed are 0 to 65535"),
        ({"0-127": "normal", "127-255": "tumour"}, "'0-127' and '127-255' overlap"),
        ({"0": "glass"}, "mask value '0' means 'glass'; allowed are"),
    ],
)
def test_values_that_make_no_sense_are_refused(lines, words):
    with pytest.raises(ValidationError, match=words):
        TilingRecipe(mpp=1, mask_classes=lines)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"value": "f"}, "stated together or not at all"),
        ({"value_classes": {"normal": (0, 1)}}, "stated together or not at all"),
        ({"value": "f", "value_classes": {"normal": (1, 0)}}, "runs from 1 to 0"),
        ({"value": "f", "value_classes": {"normal": (0, 1), "tumour": (1, 2)}}, "overlap"),
        ({"radius_um": 0}, "greater than 0"),
    ],
)
def test_points_that_make_no_sense_are_refused(fields, words):
    with pytest.raises(ValidationError, match=words):
        PointsRecipe.model_validate(fields)


def test_a_value_gives_a_class_of_the_study():
    points = {"value": "f", "value_classes": {"glass": (0, 1)}}
    with pytest.raises(ValidationError, match=r"points.value_classes names 'glass'"):
        TilingRecipe(mpp=1, points=points)

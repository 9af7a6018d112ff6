"""Recipes of slide models have defaults of their own, and refuse what means nothing to them."""

import pytest
from pydantic import ValidationError

from tasks.training.bag_recipe import BagRecipe
from tasks.training.recipe import ArmRecipe, TrainingRecipe


def test_a_bag_brings_the_defaults_of_slide_models():
    recipe = TrainingRecipe(bag={"model": "abmil"})
    assert (recipe.epochs, recipe.batch, recipe.lr, recipe.weight_decay, recipe.patience) == (
        30,
        8,
        2e-4,
        1e-4,
        8,
    )
    assert TrainingRecipe(bag={}, lr=0.01, patience=None).lr == 0.01
    assert TrainingRecipe(bag={}, patience=None).patience is None
    tile = TrainingRecipe()
    assert (tile.epochs, tile.batch, tile.lr, tile.patience) == (10, 64, 1e-3, None)


def test_recipes_survive_json_and_those_of_tiles_do_not_mention_bags():
    recipe = TrainingRecipe(
        bag={"model": {"name": "additive", "embed": 16}, "tile_dropout": 0.2}, patience=None
    )
    assert TrainingRecipe.model_validate_json(recipe.model_dump_json()).bag == recipe.bag
    assert not {"network", "augmentation", "compile"} & set(recipe.model_dump())
    assert not {"bag", "patience"} & set(TrainingRecipe().model_dump())
    assert "patience" in TrainingRecipe(patience=3).model_dump()
    assert "model" not in ArmRecipe(id="a").model_dump()
    arm = ArmRecipe(id="a", model="mean_pool")
    assert ArmRecipe.model_validate_json(arm.model_dump_json()) == arm


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("network", {"width": 1}),
        ("augmentation", {"flip": False}),
        ("tiles_per_epoch", 100),
        ("compile", True),
        ("autotune", False),
    ],
)
def test_settings_of_tiles_are_refused(setting, value):
    with pytest.raises(ValidationError, match=f"training.{setting} means nothing to a slide model"):
        TrainingRecipe(bag={}, **{setting: value})


def test_a_model_is_trained_with_as_many_tiles_as_it_can_take():
    with pytest.raises(ValidationError, match="is 5000; 'transformer' is trained with at most 4096"):
        BagRecipe(model="transformer", tiles_per_bag=5000)
    assert BagRecipe(model="abmil", tiles_per_bag=5000).tiles_per_bag == 5000
    wide = TrainingRecipe(bag={"tiles_per_bag": 5000})
    with pytest.raises(ValidationError, match="at most 4096"):
        ArmRecipe(id="t", model="transformer").applied_to(wide)


def test_a_part_of_a_step_may_be_one_slide():
    assert TrainingRecipe(bag={}, accumulate=8).accumulate == 8
    with pytest.raises(ValidationError, match="equal parts of two tiles"):
        TrainingRecipe(batch=8, accumulate=8)

"""Recipes refuse what makes no sense, with a sentence."""

import pytest
from pydantic import ValidationError

from tasks.plugins import recipe_of
from tasks.training.recipe import ArmRecipe, TrainingRecipe


def test_defaults_construct_and_survive_json():
    recipe = TrainingRecipe()
    assert TrainingRecipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_classes_must_make_sense():
    with pytest.raises(ValidationError, match="'tumor' is not among"):
        TrainingRecipe(target_class="tumor")
    with pytest.raises(ValidationError, match="names a class twice"):
        TrainingRecipe(classes=("normal", "tumour", "normal"))


def test_a_batch_splits_into_equal_parts_of_two_or_more():
    assert TrainingRecipe(batch=12, accumulate=6).accumulate == 6
    for batch, accumulate in ((12, 5), (12, 12), (12, 24)):
        with pytest.raises(
            ValidationError, match=f"accumulate {accumulate} must split batch 12 into equal parts"
        ):
            TrainingRecipe(batch=batch, accumulate=accumulate)


def test_arm_takes_regularizers_by_name_and_by_mapping():
    arm = ArmRecipe(
        id="nm", regularizers=("noise_modulation", {"name": "noise_modulation", "id": "b", "blend": 0})
    )
    assert [r.blend for r in arm.regularizers] == [0.5, 0.0]
    assert ArmRecipe.model_validate_json(arm.model_dump_json()) == arm


def test_arm_refuses_unknown_names_and_equal_ids():
    with pytest.raises(ValidationError, match="did you mean 'noise_modulation'"):
        ArmRecipe(id="nm", regularizers=("noise_modulatoin",))
    with pytest.raises(ValidationError, match="give each an id of its own"):
        ArmRecipe(id="nm", regularizers=("noise_modulation", "noise_modulation"))


def test_ids_enter_no_recipe():
    arm = ArmRecipe(id="one", regularizers=({"name": "noise_modulation", "id": "x"},))
    other = ArmRecipe(id="two", regularizers=("noise_modulation",))
    assert recipe_of(arm) == recipe_of(other)


def test_an_arm_may_have_a_learning_rate_of_its_own():
    recipe = TrainingRecipe(lr=0.001, epochs=3)
    assert ArmRecipe(id="plain").applied_to(recipe) == recipe
    assert ArmRecipe(id="slow", lr=0.0001).applied_to(recipe) == TrainingRecipe(lr=0.0001, epochs=3)


def test_an_arm_that_learns_from_no_site_is_refused():
    assert ArmRecipe(id="all").sites is None
    assert ArmRecipe(id="one", sites=("inked",)).sites == ("inked",)
    with pytest.raises(ValidationError, match="sites"):
        ArmRecipe(id="none", sites=())

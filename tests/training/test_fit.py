"""Recipes and arms are held against the level of their study."""

import pytest

from tasks.training.fit import refuse_misfits, refuse_other_level
from tasks.training.recipe import ArmRecipe, TrainingRecipe

BAG = TrainingRecipe(bag={})


def test_each_level_has_its_own_recipe():
    refuse_other_level("tile", TrainingRecipe(), [ArmRecipe(id="a")])
    refuse_other_level("slide", BAG, [ArmRecipe(id="a", model="mean_pool")])
    with pytest.raises(ValueError, match=r"level: slide needs train\.recipe\.bag"):
        refuse_other_level("slide", TrainingRecipe(), [])
    with pytest.raises(ValueError, match="is of slide models; say level: slide"):
        refuse_other_level("tile", BAG, [])


def test_a_regularizer_of_images_has_no_place_in_a_slide_model():
    arm = ArmRecipe(id="a", regularizers=("noise_modulation",))
    refuse_misfits(arm, TrainingRecipe())
    with pytest.raises(ValueError, match="works on pixels, but the slide model takes features"):
        refuse_misfits(arm, BAG)


def test_a_method_that_differentiates_twice_is_refused_for_a_transformer_and_no_other():
    arm = ArmRecipe(id="a", model="transformer", regularizers=("feature_sensitivity",))
    with pytest.raises(ValueError, match="of arm 'a' differentiates twice, which 'transformer' cannot"):
        refuse_misfits(arm, BAG)
    refuse_misfits(arm.model_copy(update={"model": None}), BAG)

import pytest
from pydantic import ValidationError

from tasks.phantoms.recipe import PhantomRecipe


def test_defaults_construct_and_survive_json():
    recipe = PhantomRecipe()
    assert PhantomRecipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_default_test_split_has_five_patients():
    assert len(PhantomRecipe().test) >= 5


def test_too_little_room_is_refused_with_a_sentence():
    with pytest.raises(ValidationError, match="300 um by 300 um"):
        PhantomRecipe(size_px=(800, 800), sections=2)


def test_twins_without_ink_are_refused_with_a_sentence():
    with pytest.raises(ValidationError, match="without confounder there is no ink"):
        PhantomRecipe(twins=True)


def test_unknown_keys_are_refused():
    with pytest.raises(ValidationError, match="Extra inputs"):
        PhantomRecipe.model_validate({"sedd": 1})

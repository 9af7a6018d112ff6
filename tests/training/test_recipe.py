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


def dosed_arm(*methods, **dose):
    return ArmRecipe(
        id="a", regularizers=methods, dose={"field": "weight", "values": [1e-4, 0.5], "moves": 0.2, **dose}
    )


def test_a_dose_replaces_one_number_and_leaves_the_rest():
    arm = dosed_arm({"name": "jacobian", "warmup": 0.3}, "noise_modulation", regularizer="jacobian")
    treated = arm.dosed(0.5)
    assert [r.name for r in treated.regularizers] == ["jacobian", "noise_modulation"]
    assert (treated.regularizers[0].weight, treated.regularizers[0].warmup) == (0.5, 0.3)
    assert treated.dose is None
    assert [r.name for r in arm.undosed().regularizers] == ["noise_modulation"]
    assert ArmRecipe.model_validate_json(arm.model_dump_json()) == arm
    steps = dosed_arm("trades", field="steps", values=[1, 5]).dosed(5.0).regularizers[0].steps
    assert steps == 5
    assert isinstance(steps, int)


def test_trainings_of_a_search_have_half_the_epochs_unless_it_says_how_many():
    assert dosed_arm("jacobian").dose.short(7) == 4
    assert dosed_arm("jacobian", epochs=2).dose.short(7) == 2


@pytest.mark.parametrize(
    ("methods", "dose", "said"),
    [
        ([], {}, r"arm 'a' has the regularizers \[\]: dose.regularizer must name one of them"),
        (["jacobian", "trades"], {}, "dose.regularizer must name one of them"),
        (["jacobian"], {"regularizer": "trades"}, r"\['jacobian'\]: dose names 'trades'"),
        (
            ["jacobian"],
            {"field": "wieght"},
            "'wieght' is no number of 'jacobian'; allowed are weight, warmup",
        ),
        (["scaat"], {"field": "mask"}, "'mask' is no number of 'scaat'"),
        (["jacobian"], {"values": [0.1, -1]}, "holds -1, which is no weight of 'jacobian': Input should be"),
        (["jacobian"], {"values": [0.1, 0.1]}, "holds a value twice"),
        (["jacobian"], {"moves": 0}, "greater than 0"),
    ],
)
def test_a_dose_that_no_regularizer_can_have_is_refused_in_a_sentence(methods, dose, said):
    with pytest.raises(ValidationError, match=said):
        dosed_arm(*methods, **dose)

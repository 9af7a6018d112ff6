"""What a training may use comes from the study's resources and is no part of its recipe."""

import pytest
from pydantic import ValidationError

from tasks.train import training_resources
from tasks.training.resources import TrainingResources
from tests._support.plans import plan_of
from tests._support.studies import tiny_cohort, tiny_config


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return tiny_cohort(tmp_path_factory.mktemp("cohort"))


def config_of(manifest, recipe=None, **resources):
    train = tiny_config(manifest).train.model_dump(mode="json")
    train["recipe"].update(recipe or {})
    return tiny_config(manifest, train=train, resources=resources)


def recipe_of(manifest, home, recipe=None, **resources):
    return plan_of(config_of(manifest, recipe, **resources), home).of("train")[0].recipe


def test_resources_change_no_recipe(manifest, tmp_path):
    plain = recipe_of(manifest, tmp_path)
    assert recipe_of(manifest, tmp_path, save_minutes=0, prefetch=7) == plain


def test_settings_that_came_later_are_said_only_where_they_change_something(manifest, tmp_path):
    """So that trainings which were stored before them stay valid."""
    later = {"tiles_per_epoch", "tf32", "autotune", "compile"}
    assert not later & set(recipe_of(manifest, tmp_path)["training"])
    for changed in ({"tiles_per_epoch": 20}, {"tf32": True}, {"autotune": False}, {"compile": True}):
        training = recipe_of(manifest, tmp_path, changed)["training"]
        assert {name: training[name] for name in later & set(training)} == changed


def test_tf32_is_refused_where_another_model_may_be_asked_at_the_same_time(manifest):
    one, two = ["cpu"], ["cpu", "cpu"]
    config_of(manifest, {"tf32": True}, devices=one)
    config_of(manifest, {"amp": False}, devices=two)
    with pytest.raises(ValidationError, match=r"train\.recipe\.tf32 .* resources\.devices has 2 slots"):
        config_of(manifest, {"tf32": True}, devices=two)


def test_a_training_gets_them_from_the_study(manifest):
    class PretendStudy:
        config = config_of(manifest, save_minutes=3, prefetch=5)

    assert training_resources(PretendStudy) == TrainingResources(save_minutes=3, prefetch=5)
    with pytest.raises(ValidationError):
        TrainingResources(prefetch=0)

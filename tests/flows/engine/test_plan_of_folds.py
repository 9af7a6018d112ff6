"""What a study with folds consists of, before anything runs; and that one without folds is as it was."""

import pytest

from tasks.explain import explained_slides
from tasks.study.errors import ConfigError
from tasks.train import models
from tests._support.plans import input_labels, plan_of, slides_of
from tests._support.studies import folded_config, tiny_config


@pytest.fixture
def open_plan(tmp_path):
    return lambda config: plan_of(config, tmp_path)


@pytest.fixture
def plan(open_plan, manifest):
    return open_plan(
        folded_config(manifest, evaluate={"metrics": ["gini"], "model_metrics": ["gradient_scale"]})
    )


def roles(plan, *wanted):
    """Return {fold: slides of the wanted roles}."""
    return {
        fold.index: {slide for slide, role in fold.roles.items() if role in wanted}
        for fold in plan.study.folds
    }


def test_a_model_is_an_arm_a_fold_and_a_seed(plan):
    assert [model.key.label for model in models(plan.study)] == [
        f"{arm}/fold{k}/seed0" for arm in ("standard", "modulated") for k in range(3)
    ]
    second = models(plan.study)[1]
    assert second.checkpoint.coordinates == {"arm": "standard", "fold": 1, "seed": 0}


def test_a_training_sees_the_train_and_val_slides_of_its_fold_and_knows_their_roles(plan):
    seen = roles(plan, "train", "val")
    assert len(plan.of("train")) == 6
    for planned in plan.of("train"):
        fold = planned.key.model.fold
        assert slides_of(planned) == seen[fold]
        assert set(planned.recipe["roles"]) == seen[fold]
        val = {slide for slide, role in planned.recipe["roles"].items() if role == "val"}
        assert val == roles(plan, "val")[fold]


def test_a_model_is_judged_on_the_slides_that_its_fold_holds_out(plan):
    held_out = roles(plan, "test")
    for planned in (*plan.of("predict"), *plan.of("evaluate"), *plan.of("measure")):
        assert slides_of(planned) == held_out[planned.key.model.fold], planned.key
        assert planned.inputs["checkpoint"].model.fold == planned.key.model.fold
    maps = plan.of("explain")
    assert len(maps) == 2 * 6 + 6, "each slide by one fold of an arm, and the blind control once for all"
    for planned in maps:
        assert planned.key.model is None or planned.key.slide in held_out[planned.key.model.fold]


def test_a_heatmap_shows_the_maps_of_the_fold_that_explains_its_slide(plan):
    held_out = roles(plan, "test")
    drawn = plan.of("draw")
    assert len(drawn) == 6
    for planned in drawn:
        fold = next(k for k, slides in held_out.items() if planned.key.slide in slides)
        expected = [f"{arm}/fold{fold}/seed0" for arm in ("standard", "modulated")]
        assert [key.label for key in planned.inputs["maps"]] == expected
        assert [key.label for key in planned.inputs["predictions"]] == expected
        assert set(planned.inputs) == {"maps", "predictions", "tiles", "scale"}


def test_the_comparison_has_every_model_and_slide(plan):
    (planned,) = plan.of("compare")
    assert slides_of(planned) == {row.slide_id for row in plan.study.slides}
    assert {model.checkpoint.label for model in models(plan.study)} <= input_labels(planned)
    assert "tasks.comparison.rows.pooling" in planned.modules, "pooling over folds is part of its code"


def test_tiles_do_not_depend_on_folds(plan, open_plan, manifest):
    assert plan.of("tile") == open_plan(tiny_config(manifest)).of("tile")


def test_without_folds_nothing_speaks_of_them(open_plan, manifest):
    plain = open_plan(tiny_config(manifest))
    assert [p.key.label for p in plain.of("train")] == ["train/standard/seed0", "train/modulated/seed0"]
    for planned in plain.of("train"):
        assert set(planned.recipe) == {"training", "regularizers", "device", "shared_patients"}
        assert set(planned.key.coordinates) == {"arm", "seed"}
        learnt = {row.slide_id for row in plain.study.manifest.slides if row.split != "test"}
        assert slides_of(planned) == learnt
    assert plain.study.split_hash == plain.study.manifest.split_hash
    assert "tasks.comparison.rows.pooling" not in plain.of("compare")[0].modules


def test_slides_of_other_splits_are_left_out_of_the_study(open_plan, manifest):
    folds = {"by": "patient", "of": ["train", "val"], "count": 3, "only": [1]}
    plan = open_plan(folded_config(manifest, folds=folds))
    assert {row.split for row in plan.study.slides} == {"train", "val"}
    assert len(plan.of("tile")) == 4
    assert {model.fold.index for model in models(plan.study)} == {1}
    assert set(explained_slides(plan.study)) == roles(plan, "test")[1]
    assert len(plan.study.manifest.slides) == 6, (
        "the ids of their patients are still known, to be kept out of what is shown"
    )


def test_val_slides_may_be_explained_instead_so_that_settings_are_chosen_on_them(open_plan, manifest):
    explain = {"splits": ["val"], "explainers": ["gradient"], "controls": []}
    plan = open_plan(folded_config(manifest, explain=explain))
    held_out = roles(plan, "val")
    for planned in plan.of("predict"):
        assert slides_of(planned) == held_out[planned.key.model.fold]


def test_another_dealing_has_another_split_hash(open_plan, manifest):
    blocks = {"by": "slide", "of": ["train", "val", "test"], "count": 3}
    hashes = {
        open_plan(folded_config(manifest, folds={**blocks, **more})).study.split_hash
        for more in ({}, {"seed": 1}, {"seed": 2}, {"only": [0]})
    }
    assert len(hashes) == 4


def test_a_separated_patient_is_refused_before_any_work(open_plan, manifest):
    # Six groups of six slides separate the slides of every patient who has two.
    folds = {"by": "slide", "of": ["train", "val", "test"], "count": 6}
    with pytest.raises(ConfigError, match="parts the slides of the patient of 'phantom_01_1'"):
        open_plan(folded_config(manifest, folds=folds, shared_patients=[]))


def test_an_arm_is_known_by_its_learning_rate(open_plan, manifest):
    arms = [{"id": "plain"}, {"id": "slow", "lr": 0.0001}, {"id": "same"}]
    plan = open_plan(tiny_config(manifest, train={"arms": arms, "seeds": [0]}))
    plain, slow, same = (planned.recipe["training"] for planned in plan.of("train"))
    assert slow == {**plain, "lr": 0.0001}
    assert same == plain

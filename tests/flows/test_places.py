"""What a study with folds consists of, before anything runs; and that one without folds is as it was."""

import pytest

from flows import closing_slots, drawing_slots, explain_slots, slots
from flows.config import ConfigError
from flows.evaluate_slots import model_slots, report_slots
from flows.places import explained, places
from flows.session import Orders, Selection, UsageError, open_session
from tests._support.studies import folded_config, tiny_config


@pytest.fixture
def open_study(tmp_path):
    def opened(config, **orders):
        return open_session(config, tmp_path, None, Orders(**orders))

    return opened


@pytest.fixture
def session(open_study, manifest):
    return open_study(
        folded_config(manifest, evaluate={"metrics": ["gini"], "model_metrics": ["gradient_scale"]})
    )


def tiles(slot):
    return {label.removeprefix("tile/") for label in slot.needs.values() if label.startswith("tile/")}


def roles(session, *wanted):
    """Return {fold: slides of the wanted roles}."""
    return {
        str(fold.index): {slide for slide, role in fold.roles.items() if role in wanted}
        for fold in session.folds
    }


def test_a_place_is_an_arm_a_fold_and_a_seed(session):
    assert [place.label for place in places(session)] == [
        f"{arm}/fold{k}/seed0" for arm in ("standard", "modulated") for k in range(3)
    ]
    assert places(session)[1].coords == {"arm": "standard", "fold": "1", "seed": "0"}


def test_a_training_sees_the_train_and_val_slides_of_its_fold_and_knows_their_roles(session):
    seen = roles(session, "train", "val")
    made = slots.train_slots(session, session.slides)
    assert len(made) == 6
    for slot in made:
        fold = slot.coords["fold"]
        assert tiles(slot) == seen[fold]
        assert set(slot.recipe["roles"]) == seen[fold]
        assert {s for s, role in slot.recipe["roles"].items() if role == "val"} == roles(session, "val")[fold]


def test_a_model_is_judged_on_the_slides_that_its_fold_holds_out(session):
    held_out = roles(session, "test")
    rows = session.slides
    for slot in (
        *explain_slots.prediction_slots(session, rows),
        *report_slots(session, rows),
        *model_slots(session, rows),
    ):
        assert tiles(slot) == held_out[slot.coords["fold"]], slot.label
        assert slot.needs["checkpoint"].split("/")[2] == f"fold{slot.coords['fold']}"
    attributions = explain_slots.attribution_slots(session, rows)
    assert len(attributions) == 2 * 6 * 2, (
        "arms x slides x maps: each slide is explained by one fold of an arm"
    )
    for slot in attributions:
        assert slot.coords["slide"] in held_out[slot.coords["fold"]]


def test_a_heatmap_shows_the_maps_of_the_fold_that_explains_its_slide(session):
    held_out = roles(session, "test")
    drawn = drawing_slots.heatmap_slots(session, session.slides)
    assert len(drawn) == 6
    for slot in drawn:
        fold = next(k for k, slides in held_out.items() if slot.coords["slide"] in slides)
        expected = {
            f"{what}/{arm}/fold{fold}/seed0"
            for what in ("maps", "predictions")
            for arm in ("standard", "modulated")
        }
        assert set(slot.needs) == expected | {"tiles", "scale"}


def test_the_comparison_has_every_model_and_slide(session):
    slot = closing_slots.comparison_slot(session, session.slides, {})
    assert tiles(slot) == {row.slide_id for row in session.slides}
    assert {place.checkpoint for place in places(session)} <= set(slot.needs)
    assert "tasks.comparison.rows.pooling" in slot.modules


def test_tiles_do_not_depend_on_folds(session, open_study, manifest):
    plain = open_study(tiny_config(manifest))
    assert slots.tile_slots(session) == slots.tile_slots(plain)


def test_without_folds_nothing_speaks_of_them(open_study, manifest):
    plain = open_study(tiny_config(manifest))
    made = slots.train_slots(plain, plain.slides)
    assert [slot.label for slot in made] == ["train/standard/seed0", "train/modulated/seed0"]
    for slot in made:
        assert set(slot.recipe) == {"training", "regularizers", "device", "shared_patients"}
        assert set(slot.coords) == {"arm", "seed"}
        assert tiles(slot) == {row.slide_id for row in plain.manifest.slides if row.split != "test"}
    assert plain.split_hash == plain.manifest.split_hash
    assert closing_slots.comparison_slot(plain, plain.slides, {}).modules == ("tasks.comparison.compare",)


def test_slides_of_other_splits_are_left_out_of_the_study(open_study, manifest):
    folds = {"by": "patient", "of": ["train", "val"], "count": 3, "only": [1]}
    session = open_study(folded_config(manifest, folds=folds))
    assert {row.split for row in session.slides} == {"train", "val"}
    assert len(slots.tile_slots(session)) == 4
    assert {place.fold.index for place in places(session)} == {1}
    assert {row.slide_id for row in explained(session, session.slides)} == roles(session, "test")["1"]
    assert len(session.manifest.slides) == 6, (
        "their patients' ids are still known, to be kept out of what is shown"
    )


def test_val_slides_may_be_explained_instead_so_that_settings_are_chosen_on_them(open_study, manifest):
    explain = {"splits": ["val"], "explainers": ["gradient"], "controls": []}
    session = open_study(folded_config(manifest, explain=explain))
    held_out = roles(session, "val")
    for slot in explain_slots.prediction_slots(session, session.slides):
        assert tiles(slot) == held_out[slot.coords["fold"]]


def test_a_fold_whose_held_out_slides_failed_explains_nothing(session):
    lost = roles(session, "test")["1"]
    rest = [row for row in session.slides if row.slide_id not in lost]
    assert {slot.coords["fold"] for slot in explain_slots.prediction_slots(session, rest)} == {"0", "2"}
    assert {slot.coords["fold"] for slot in report_slots(session, rest)} == {"0", "2"}


def test_another_dealing_has_another_split_hash(open_study, manifest):
    blocks = {"by": "slide", "of": ["train", "val", "test"], "count": 3}
    hashes = {
        open_study(folded_config(manifest, folds={**blocks, **more})).split_hash
        for more in ({}, {"seed": 1}, {"seed": 2}, {"only": [0]})
    }
    assert len(hashes) == 4


def test_a_parted_patient_is_refused_before_any_work(open_study, manifest):
    # Six groups of six slides part every patient of two.
    folds = {"by": "slide", "of": ["train", "val", "test"], "count": 6}
    with pytest.raises(ConfigError, match="parts the slides of patient 'phantom_patient_01'"):
        open_study(folded_config(manifest, folds=folds, shared_patients=[]))


def test_a_fold_that_is_not_there_cannot_be_selected(open_study, manifest):
    orders = {"only": "train", "selection": Selection(fold=(3,))}
    with pytest.raises(UsageError, match="no fold 3; the folds are 0, 1, 2"):
        open_study(folded_config(manifest), **orders)
    with pytest.raises(UsageError, match="no fold 3; the study has no folds"):
        open_study(tiny_config(manifest), **orders)


def test_an_arm_is_known_by_its_learning_rate(open_study, manifest):
    arms = [{"id": "plain"}, {"id": "slow", "lr": 0.0001}, {"id": "same"}]
    session = open_study(tiny_config(manifest, train={"arms": arms, "seeds": [0]}))
    plain, slow, same = (slot.recipe["training"] for slot in slots.train_slots(session, session.slides))
    assert slow == {**plain, "lr": 0.0001}
    assert same == plain

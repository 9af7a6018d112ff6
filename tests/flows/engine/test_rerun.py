"""What is forced: selectors narrow to artifacts that have them, and what is not there is refused."""

import pytest

from flows.engine.rerun import RerunOptions, Selection
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.study.errors import UsageError
from tests._support.plans import plan_of
from tests._support.studies import folded_config, tiny_config

A0, A1, B1 = (ModelKey(arm, seed) for arm, seed in (("a", 0), ("a", 1), ("b", 1)))


def test_an_empty_selection_takes_everything():
    assert Selection().takes(ArtifactKey("train", A0))
    assert Selection().takes(ArtifactKey("compare"))


def test_a_selection_takes_what_has_each_selected_coordinate():
    selection = Selection(arm=("a",), seed=(0, 1), metric=("gini",))
    assert selection.takes(ArtifactKey("evaluate", A1, "gradient", metric="gini"))
    assert not selection.takes(ArtifactKey("evaluate", B1, "gradient", metric="gini"))
    assert not selection.takes(ArtifactKey("evaluate", ModelKey("a", 2), "gradient", metric="gini"))
    assert not selection.takes(ArtifactKey("train", A1)), "a checkpoint has no metric"


def test_an_explainer_selects_its_maps_and_no_prediction():
    selection = Selection(explainer=("smoothgrad",))
    assert selection.takes(ArtifactKey("explain", A0, "smoothgrad", "s1"))
    assert selection.takes(ArtifactKey("scale", explainer="smoothgrad"))
    assert not selection.takes(ArtifactKey("predict", A0))
    assert not selection.takes(ArtifactKey("explain", A0, "gradient", "s1"))


def test_a_slide_selects_no_colour_scale():
    assert not Selection(slide=("s1",)).takes(ArtifactKey("scale", explainer="gradient"))
    assert Selection(slide=("s1",)).takes(ArtifactKey("draw", explainer="gradient", slide="s1"))


def test_a_fold_is_selected_by_its_number():
    selection = Selection(fold=(1,))
    assert selection.takes(ArtifactKey("train", ModelKey("a", 0, 1)))
    assert not selection.takes(ArtifactKey("train", ModelKey("a", 0, 0)))
    assert selection.wanted


def test_only_forces_its_stage_and_reaches_what_it_rests_on():
    options = RerunOptions(only="train", selection=Selection(seed=(1,)))
    assert options.forces(ArtifactKey("train", A1))
    assert not options.forces(ArtifactKey("train", A0))
    assert not options.forces(ArtifactKey("tile", slide="s"))
    keys = [ArtifactKey("tile", slide="s"), ArtifactKey("train", A1), ArtifactKey("explain", A1, "g", "s")]
    assert [options.may_make(key) for key in keys] == [False, True, False]
    assert [options.reaches(key) for key in keys] == [True, True, False]


def test_only_does_not_reach_a_stage_beside_it():
    options = RerunOptions(only="explain")
    assert not options.reaches(ArtifactKey("predict", A0)), "maps are not made from predictions"
    assert options.reaches(ArtifactKey("calibrate", A0, "noisegrad"))


def test_from_forces_a_stage_and_goes_on():
    options = RerunOptions(from_stage="explain")
    assert options.forces(ArtifactKey("explain", A0, "g", "s"))
    assert not options.forces(ArtifactKey("evaluate", A0, "g", metric="gini"))
    for stage in ("tile", "explain", "record"):
        assert options.may_make(ArtifactKey(stage))
        assert options.reaches(ArtifactKey(stage))


def test_a_group_is_its_stages():
    forced = RerunOptions(only="explain-group").forced_stages
    assert set(forced) == {"predict", "calibrate", "surround", "explain", "scale", "draw", "exemplify"}
    assert RerunOptions(only="compare-group").forced_stages == ("compare", "review")
    assert RerunOptions(only="compare").forced_stages == ("compare",)


def test_only_and_from_exclude_each_other():
    with pytest.raises(UsageError, match="exclude each other"):
        RerunOptions(only="train", from_stage="train")


def test_a_selection_needs_a_forced_stage():
    with pytest.raises(UsageError, match="give one"):
        RerunOptions(selection=Selection(arm=("a",)))


@pytest.mark.parametrize(
    ("word", "hint"), [("trian", "train"), ("evaluat", "evaluate"), ("explain-grup", "explain-group")]
)
def test_an_unknown_stage_is_refused_with_the_nearest(word, hint):
    with pytest.raises(UsageError, match=rf"no stage '{word}' \(did you mean '{hint}'\?\); the stages"):
        RerunOptions(only=word)


@pytest.fixture
def plan(tmp_path, manifest):
    return plan_of(tiny_config(manifest), tmp_path)


@pytest.mark.parametrize(
    ("only", "selection", "sentence"),
    [
        (
            "train",
            {"arm": ("standart",)},
            r"no arm standart \(did you mean 'standard'\?\); the arms are",
        ),
        ("train", {"seed": (3,)}, "no seed 3; the seeds are 0"),
        ("explain", {"explainer": ("smothgrad",)}, r"did you mean 'smoothgrad'\?"),
        ("evaluate", {"metric": ("giny",)}, r"did you mean 'gini'\?"),
        ("tile", {"slide": ("phantom_1_1",)}, r"did you mean 'phantom_01_1'\?"),
        ("train", {"fold": (1,)}, "no fold 1; the study has no folds"),
        ("tile", {"arm": ("standard",)}, "--arm does not narrow tile, which can be narrowed only by --slide"),
        ("compare", {"arm": ("standard",)}, "--arm does not narrow compare, which can be narrowed by no sel"),
        ("calibrate", {}, "the study plans no artifact of calibrate"),
        (
            "explain-group",
            {"slide": ("phantom_01_1",), "explainer": ("gradient",)},
            "no artifact of explain-group has all the selected values at once",
        ),
    ],
)
def test_what_the_study_does_not_have_is_refused(plan, only, selection, sentence):
    with pytest.raises(UsageError, match=sentence):
        RerunOptions(only=only, selection=Selection(**selection)).check(plan)


def test_what_the_study_has_is_taken(plan):
    RerunOptions().check(plan)
    RerunOptions(only="explain-group", selection=Selection(explainer=("random_map",))).check(plan)
    RerunOptions(from_stage="draw", selection=Selection(slide=("phantom_04_1",))).check(plan)


def test_a_fold_that_is_not_there_cannot_be_selected(tmp_path, manifest):
    options = RerunOptions(only="train", selection=Selection(fold=(3,)))
    with pytest.raises(UsageError, match="no fold 3; the folds are 0, 1, 2"):
        options.check(plan_of(folded_config(manifest), tmp_path))

"""The dealing of slides into folds: known answers, what always holds, and what is refused."""

import dataclasses
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.slides.manifest import SlideRow
from tasks.study.config import FoldsRecipe
from tasks.study.errors import ConfigError
from tasks.study.folds import deal, dealt_out, make_folds, refuse_parted

SPLITS = ("train", "val", "test")


def row(slide, patient, label="", split="train"):
    return SlideRow(slide_id=slide, patient_id=patient, path=f"{slide}.tiff", split=split, label=label)


def cohort(**slides):
    """Return {patient: number of slides} as rows."""
    return [row(f"{p}{i}", f"patient_{p}") for p, count in slides.items() for i in range(count)]


def cohorts(labels=("", "normal", "tumour")):
    patients = st.lists(st.tuples(st.integers(0, 6), st.sampled_from(labels)), min_size=8, max_size=30)
    return patients.map(lambda drawn: [row(f"s{i:02}", f"p{p}", lab) for i, (p, lab) in enumerate(drawn)])


def test_patients_of_many_slides_are_dealt_first_each_to_the_group_with_the_fewest():
    groups = deal(FoldsRecipe(count=3), cohort(a=4, b=3, c=2, d=1))
    by_patient = {slide[0]: group for slide, group in groups.items()}
    assert by_patient == {"a": 0, "b": 1, "c": 2, "d": 2}


def test_labels_are_dealt_one_after_the_other():
    # normal: three slides, one each; tumour: one, and all groups are level, so it goes to the first.
    rows = [row(name, name.upper(), label) for name, label in zip("wxyz", ("n", "n", "n", "t"), strict=True)]
    groups = deal(FoldsRecipe(count=3), rows)
    assert sorted(groups[name] for name in "wxy") == [0, 1, 2]
    assert groups["z"] == 0


def test_a_label_begins_where_the_groups_are_emptiest():
    # One normal slide goes to group 0, so the two tumour slides go to 1 and 2.
    groups = deal(FoldsRecipe(count=3), [row("n", "P", "n"), row("t", "Q", "t"), row("u", "R", "t")])
    assert groups["n"] == 0
    assert {groups["t"], groups["u"]} == {1, 2}


def test_group_k_is_test_the_next_is_val_and_the_rest_is_train():
    rows = cohort(a=4, b=3, c=2)
    folds = make_folds(FoldsRecipe(count=3), rows, frozenset())
    said = [{slide[0]: role for slide, role in fold.roles.items()} for fold in folds]
    assert said == [
        {"a": "test", "b": "val", "c": "train"},
        {"a": "train", "b": "test", "c": "val"},
        {"a": "val", "b": "train", "c": "test"},
    ]
    assert [fold.index for fold in folds] == [0, 1, 2]


def test_only_some_folds_are_run_and_they_are_those_of_the_whole():
    rows = cohort(a=4, b=3, c=2, d=2)
    whole = make_folds(FoldsRecipe(count=4), rows, frozenset())
    assert make_folds(FoldsRecipe(count=4, only=(2, 0)), rows, frozenset()) == (whole[0], whole[2])


def test_the_role_takes_the_place_of_the_split_and_others_are_left_out():
    rows = [*cohort(a=1, b=1, c=1), row("t", "patient_t", split="test")]
    recipe = FoldsRecipe(count=3)
    assert [r.slide_id for r in dealt_out(recipe, rows)] == ["a0", "b0", "c0"]
    fold = make_folds(recipe, rows, frozenset())[0]
    assert Counter(r.split for r in fold.rows(rows)) == {"train": 1, "val": 1, "test": 1}
    assert "t" not in {r.slide_id for r in fold.rows(rows)}
    assert {r.split for r in rows} == {"train", "test"}, "rows are copied, not changed"


def test_another_seed_deals_otherwise():
    rows = [row(f"s{i}", f"p{i}") for i in range(12)]
    dealt = {tuple(deal(FoldsRecipe(count=3, seed=seed), rows).items()) for seed in range(5)}
    assert len(dealt) == 5


@settings(max_examples=60, deadline=None)
@given(
    rows=cohorts(), seed=st.integers(0, 5), count=st.integers(3, 6), by=st.sampled_from(["patient", "slide"])
)
def test_every_slide_is_test_once_and_val_once_and_no_patient_is_parted(rows, seed, count, by):
    recipe = FoldsRecipe(by=by, count=count, seed=seed)
    patients = {r.patient_id for r in rows}
    if by == "patient" and len(patients) < count:
        with pytest.raises(ConfigError, match=rf"of {len(patients)} patients? only; each group needs one"):
            make_folds(recipe, rows, frozenset())
        return
    folds = make_folds(recipe, rows, frozenset(patients))
    assert len(folds) == count
    for role, times in (("test", 1), ("val", 1), ("train", count - 2)):
        held = Counter(s for fold in folds for s, found in fold.roles.items() if found == role)
        assert held == {r.slide_id: times for r in rows}
    assert all(set(fold.roles.values()) == set(SPLITS) for fold in folds), "no role of a fold is empty"
    if by == "patient":
        for fold in folds:
            sides = {(r.patient_id, r.split) for r in fold.rows(rows)}
            assert len(sides) == len(patients)


@settings(max_examples=60, deadline=None)
@given(rows=cohorts(), seed=st.integers(0, 3), data=st.data())
def test_the_order_of_the_rows_does_not_matter(rows, seed, data):
    recipe = FoldsRecipe(by="slide", count=3, seed=seed)
    assert deal(recipe, rows) == deal(recipe, data.draw(st.permutations(rows)))


@settings(max_examples=60, deadline=None)
@given(rows=cohorts(), count=st.integers(3, 6))
def test_slides_dealt_one_by_one_differ_by_at_most_one_between_groups(rows, count):
    groups = deal(FoldsRecipe(by="slide", count=count), rows)
    for label in (None, *{r.label for r in rows}):
        sizes = Counter(groups[r.slide_id] for r in rows if label is None or r.label == label)
        whole = [sizes[g] for g in range(count)]
        assert max(whole) - min(whole) <= 1, label


@settings(max_examples=60, deadline=None)
@given(rows=cohorts(labels=("",)))
def test_patients_differ_by_at_most_the_largest_between_groups(rows):
    patients = Counter(r.patient_id for r in rows)
    if len(patients) < 3:
        return
    sizes = Counter(deal(FoldsRecipe(count=3), rows).values())
    assert max(sizes.values()) - min(sizes.values()) <= max(patients.values())


def test_too_few_patients_are_one_sentence():
    with pytest.raises(ConfigError) as caught:
        make_folds(FoldsRecipe(count=5), cohort(a=9, b=9), frozenset())
    assert str(caught.value) == (
        "folds.count is 5, but the slides of train, val to be dealt out are of 2 patients only; "
        "each group needs one"
    )


def test_slides_of_a_patient_are_parted_by_name_only():
    rows = cohort(a=2, b=2, c=2)
    recipe = FoldsRecipe(by="slide", count=6)
    with pytest.raises(ConfigError) as caught:
        make_folds(recipe, rows, frozenset({"patient_a", "patient_c"}))
    assert str(caught.value) == (
        "folds.by 'slide' parts the slides of the patient of 'b0', who is not in shared_patients; "
        "name every such patient there, or deal by patient"
    )
    assert len(make_folds(recipe, rows, frozenset({"patient_a", "patient_b", "patient_c"}))) == 6


def test_a_patient_whose_slides_stay_together_needs_no_name():
    folds = make_folds(FoldsRecipe(by="slide", count=3), cohort(a=1, b=1, c=1), frozenset())
    assert len(folds) == 3


def test_dealt_by_patient_not_even_a_named_one_is_parted():
    rows = cohort(a=2, b=1, c=1)
    fold = make_folds(FoldsRecipe(count=3), rows, frozenset())[0]
    moved = dataclasses.replace(fold, roles={**fold.roles, "a1": "train", "a0": "test"})
    with pytest.raises(ConfigError, match="the patient of 'a0'"):
        refuse_parted(FoldsRecipe(count=3), rows, moved.roles, frozenset({"patient_a"}))

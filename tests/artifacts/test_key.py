"""A place is written one way and read back."""

import pytest

from tasks.artifacts.key import ModelKey, place_of


@pytest.mark.parametrize(
    ("place", "label", "short", "words"),
    [
        (ModelKey("standard", 0), "standard/seed0", "standard_s0", "standard, seed 0"),
        (ModelKey("a-b_c", 12, 3), "a-b_c/fold3/seed12", "a-b_c_f3_s12", "a-b_c, fold 3, seed 12"),
        (ModelKey("fold1", -1, 0), "fold1/fold0/seed-1", "fold1_f0_s-1", "fold1, fold 0, seed -1"),
        (ModelKey("fold1", 0), "fold1/seed0", "fold1_s0", "fold1, seed 0"),
    ],
)
def test_a_place_is_written_and_read_back(place, label, short, words):
    assert (place.label, place.short, place.words) == (label, short, words)
    assert place_of(label) == (place, "")
    assert place_of(f"{label}/gradient/gini") == (place, "gradient/gini")


@pytest.mark.parametrize(
    "label", ["standard", "seed0", "standard/0", "a/b/seed0", "a/foldx/seed1", "a/seed1x"]
)
def test_what_begins_with_no_place_is_refused(label):
    with pytest.raises(ValueError, match="begins with no place"):
        place_of(label)

import os

import pytest

from flows.session import FileHashes, Orders, Selection, UsageError


def test_an_empty_selection_takes_everything():
    assert Selection().takes({"arm": "a", "seed": "0"})


def test_a_selection_narrows_by_the_coordinates_a_part_has():
    selection = Selection(arm=("a",), seed=(0, 1), metric=("gini",))
    assert selection.takes({"arm": "a", "seed": "1", "metric": "gini"})
    assert not selection.takes({"arm": "b", "seed": "1", "metric": "gini"})
    assert not selection.takes({"arm": "a", "seed": "2", "metric": "gini"})
    assert selection.takes({"arm": "a", "seed": "1"}), "a checkpoint has no metric and is not left out for it"


def test_a_fold_is_selected_by_its_number():
    selection = Selection(fold=(1,))
    assert selection.takes({"arm": "a", "fold": "1", "seed": "0"})
    assert not selection.takes({"arm": "a", "fold": "0", "seed": "0"})
    assert not selection.empty


def test_only_forces_its_stage_and_leaves_the_rest_untouched():
    orders = Orders(only="train", selection=Selection(seed=(1,)))
    assert orders.forces("train", {"arm": "a", "seed": "1"})
    assert not orders.forces("train", {"arm": "a", "seed": "0"})
    assert not orders.forces("tile", {"slide": "s"})
    assert [orders.wants(s) for s in ("tile", "train", "explain")] == [False, True, False]
    assert [orders.reaches(s) for s in ("tile", "train", "explain")] == [True, True, False]


def test_from_forces_its_stage_and_goes_on():
    orders = Orders(from_stage="explain")
    assert orders.forces("explain", {})
    assert not orders.forces("evaluate", {})
    assert all(orders.wants(s) and orders.reaches(s) for s in ("tile", "explain", "record"))


def test_only_and_from_exclude_each_other():
    with pytest.raises(UsageError, match="exclude each other"):
        Orders(only="train", from_stage="train")


def test_a_selection_needs_a_forced_stage():
    with pytest.raises(UsageError, match="give one"):
        Orders(selection=Selection(arm=("a",)))


def test_files_are_hashed_once_and_again_when_touched(tmp_path):
    file = tmp_path / "a.bin"
    file.write_bytes(b"one")
    first = FileHashes(tmp_path)
    digest = first(file)
    first.save()
    os.utime(file, ns=(1, 1))
    file.write_bytes(b"two")
    assert FileHashes(tmp_path)(file) != digest
    assert (
        digest == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    )  # printf one | sha256sum

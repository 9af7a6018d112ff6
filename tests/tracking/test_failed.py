from tasks.tracking.failed import failed_in_short, why_failed


def test_the_first_failure_is_told_with_how_many_others():
    assert failed_in_short({"train/a/seed0": "it diverged"}) == "train/a/seed0: it diverged"
    assert failed_in_short({"a": "x", "b": "y", "c": "z"}) == "a: x (and 2 more)"


def test_a_long_list_is_cut_and_counted():
    told = why_failed({f"train/a/seed{n}": "it diverged" for n in range(23)})
    assert told.startswith("**This study failed.**\n\n- train/a/seed0: it diverged\n")
    assert "seed19" in told
    assert "seed20" not in told
    assert "- and 3 more\n" in told
    assert why_failed({}) == ""

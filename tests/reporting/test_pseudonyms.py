from tasks.reporting.pseudonyms import salted_hash, without_patients


def test_the_hash_depends_on_the_salt_and_says_nothing():
    assert salted_hash("p1", "a") != salted_hash("p1", "b")
    assert salted_hash("p1", "a") == salted_hash("p1", "a")
    assert len(salted_hash("p1", "a")) == 12


def test_ids_are_replaced_wherever_they_stand_but_not_inside_other_words():
    config = {"shared_patients": ["p1"], "note": "of p1, not p10 or xp1", "p1": {"seeds": (0, 1)}}
    found = without_patients(config, {"p1", ""}, "salt")
    mark = f"patient:{salted_hash('p1', 'salt')}"
    assert found == {"shared_patients": [mark], "note": f"of {mark}, not p10 or xp1", mark: {"seeds": [0, 1]}}


def test_an_id_at_the_end_of_a_sentence_counts():
    assert "p1." not in without_patients("it was p1.", {"p1"}, "s")
    assert without_patients("slide p1.tiff", {"p1"}, "s") == "slide p1.tiff"


def test_without_patients_nothing_changes():
    assert without_patients({"a": 1}, set(), "s") == {"a": 1}

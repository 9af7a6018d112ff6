"""The cluster of an interval."""

import pandas as pd

from tasks.statistics.clusters import choose_clusters


def units(patients: int, slides: int, sections: int, tiles: int = 3) -> pd.DataFrame:
    rows = [
        (f"p{p}", f"p{p}s{s}", section)
        for p in range(patients)
        for s in range(slides)
        for section in range(1, sections + 1)
        for _ in range(tiles)
    ]
    return pd.DataFrame(rows, columns=["patient_id", "slide_id", "section"])


def test_patients_come_first_where_there_are_enough():
    clusters = choose_clusters(units(5, 2, 2))
    assert (clusters.level, clusters.count, clusters.patients) == ("patient", 5, 5)
    assert clusters.codes.tolist() == [p for p in range(5) for _ in range(12)]
    assert clusters.note == "clustered by patient (5), conditional on these 5 patients"


def test_slides_stand_in_for_too_few_patients():
    clusters = choose_clusters(units(2, 3, 1))
    assert (clusters.level, clusters.count, clusters.patients) == ("slide", 6, 2)


def test_sections_are_counted_within_their_slide():
    clusters = choose_clusters(units(1, 2, 4))
    assert (clusters.level, clusters.count) == ("section", 8)
    assert clusters.note.endswith("conditional on this 1 patient")


def test_below_five_of_any_kind_there_is_a_sentence_and_no_cluster():
    clusters = choose_clusters(units(1, 2, 2))
    assert clusters.level is None
    assert clusters.count == 0
    assert (
        clusters.note == "no interval: 1 patient, 2 slides, 4 sections, and at least 5 of a kind are needed"
    )


def test_no_units_at_all():
    clusters = choose_clusters(units(0, 0, 0))
    assert clusters.level is None
    assert len(clusters.codes) == 0

"""A small epoch is measured in a process of its own, on bags of which most are links."""

import pytest

from benchmarks.slide_level_epoch import DISTINCT, measure, write_cohort
from tasks.artifacts.feature_set import FEATURES, FeatureSet


def test_bags_are_links_to_a_few_but_each_has_its_own_facts(tmp_path):
    write_cohort(tmp_path, DISTINCT + 1, tiles=3, dim=2)
    places = sorted(tmp_path.iterdir())
    assert len(places) == DISTINCT + 3
    assert len({(place / FEATURES).stat().st_ino for place in places}) == DISTINCT
    assert {FeatureSet(place).facts.slide_id for place in places} == {place.name for place in places}


@pytest.mark.slow
def test_a_small_epoch_is_measured():
    figures = measure(bags=16, tiles=20, dim=8, threads=1)
    assert figures["bag_epoch_seconds"] > 0
    assert 50 < figures["bag_peak_memory_mb"] < 1500

"""A study that is hit in every stage, in every way, ends as if nothing had happened."""

import pytest

from benchmarks.kills import STAGES, measure

KILLS_PER_STAGE = 10


@pytest.mark.soak
def test_a_hundred_kills_leave_the_store_of_an_undisturbed_run_and_nothing_behind(tmp_path):
    figures = measure(tmp_path, KILLS_PER_STAGE)
    assert figures.faults == []
    assert figures.kills >= 100
    assert {stage: figures.by_stage[stage] >= 8 for stage in STAGES} == dict.fromkeys(STAGES, True)

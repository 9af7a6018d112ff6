"""A map on the pen is no merit and no fault of the map."""

import pytest

from tasks.faithfulness._judging import mask_direction
from tasks.faithfulness.rank_accuracy import RankAccuracy
from tasks.faithfulness.section_auc import SectionAuc


def test_higher_is_better_but_on_an_artefact():
    assert [mask_direction(mask) for mask in ("annotation", "evidence")] == ["higher", "higher"]
    assert mask_direction("artefact") == "none"


@pytest.mark.parametrize("metric", [RankAccuracy, SectionAuc])
@pytest.mark.parametrize(("mask", "direction"), [("evidence", "higher"), ("artefact", "none")])
def test_metrics_that_hold_a_map_against_a_mask_say_so(metric, mask, direction):
    assert {info.direction for info in metric(mask=mask).score_infos()} == {direction}

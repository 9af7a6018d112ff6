"""Seconds and bytes per tile, from what was measured."""

import pytest

from flows.estimate.rates import MeasuredCost, Rates
from tasks.artifacts.key import ArtifactKey

SLOW, QUICK = ArtifactKey("explain", explainer="slow"), ArtifactKey("explain", explainer="quick")


def test_costs_of_a_method_are_its_own_and_else_those_of_its_stage():
    rates = Rates(
        [
            MeasuredCost(SLOW, 90.0, 1000.0, 10, 500),
            MeasuredCost(SLOW, 110.0, 1000.0, 10, 1500),
            MeasuredCost(QUICK, 1.0, 500.0, 5),
        ]
    )
    assert rates.of(SLOW).seconds_of(4000.0) == 400.0
    assert rates.of(SLOW).size_of(40) == 4000.0
    assert rates.of(QUICK).seconds_of(4000.0) == 8.0
    assert rates.of(QUICK).size_of(40) is None, "made from tiles of another size"
    assert rates.of(ArtifactKey("explain", explainer="other")).seconds_of(50.0) == pytest.approx(
        50 * 201 / 2500
    )
    assert rates.of(ArtifactKey("train")) is None
    assert rates.stages == {"explain"}


def test_where_no_tiles_are_counted_an_artifact_costs_what_others_did():
    rate = Rates([MeasuredCost(ArtifactKey("compare"), 30.0, 0.0, 0, 400)]).of(ArtifactKey("compare"))
    assert (rate.seconds_of(0.0), rate.size_of(0)) == (30.0, 400.0)

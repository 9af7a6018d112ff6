"""Means, intervals, dice and controls of made-up scores."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tasks.artifacts.faithfulness_report import SCORE_COLUMNS, ReportInfo, ScoreInfo
from tasks.evaluation.result import MetricResult
from tasks.scoring.means import interval_note, means_of
from tasks.statistics.cells import mean_estimate


def result(values, errors=None, patients=None, direction="higher", chance=math.nan):
    """A report of one score ``s``."""
    count = len(values)
    table = pd.DataFrame(
        {
            "unit": "tile",
            "unit_id": [str(number) for number in range(count)],
            "slide_id": "images",
            "patient_id": [""] * count if patients is None else patients,
            "section": 0,
            "label": "1",
            "score": "s",
            "value": values,
            "chance": chance,
            "error": [math.nan] * count if errors is None else errors,
        }
    )
    info = ReportInfo(
        metric={"name": "x"},
        scores=(ScoreInfo(name="s", direction=direction, meaning="what it means"),),
        excluded={},
        passes={"forward": 0},
        minimum_passes={"forward": 0},
    )
    return MetricResult(table[list(SCORE_COLUMNS)], None, info, {})


def one(made):
    (mean,) = means_of({("e", "m"): made}, (), ())
    return mean


def test_the_interval_of_independent_images_is_students():
    values = np.random.default_rng(0).normal(size=30)
    mean = one(result([*values, math.nan], chance=0.25))
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (mean.mean, mean.low, mean.high) == pytest.approx((values.mean(), low, high))
    assert (mean.scored, mean.excluded, mean.chance) == (30, 1, 0.25)


def test_images_of_one_patient_are_drawn_together():
    """Six patients of equal images: as many independent values as patients, whatever number of images."""
    values, patients = np.repeat(np.arange(6.0), 10), np.repeat(list("abcdef"), 10)
    mean = one(result(values, patients=patients))
    expected = mean_estimate(np.arange(6.0), np.arange(6), 0.95)
    assert (mean.low, mean.high) == pytest.approx((expected.low, expected.high))
    assert mean.high - mean.low > 2 * (one(result(values)).high - one(result(values)).low)


def test_too_few_give_no_interval():
    assert math.isnan(one(result([0.0, 1, 2, 3])).low)
    assert not math.isnan(one(result([0.0, 1, 2, 3, 4])).low)
    assert math.isnan(one(result(np.arange(40.0), patients=np.repeat(list("abcd"), 10))).low)
    nothing = one(result([math.nan] * 6))
    assert math.isnan(nothing.mean)
    assert (nothing.scored, nothing.excluded) == (0, 6)


def test_what_the_dice_leave_in_a_mean_falls_with_the_images():
    """Independent errors of 0.3 in nine scores leave 0.1; what was not scored has no part in it."""
    mean = one(result([1.0] * 9 + [math.nan], errors=[0.3] * 9 + [5.0]))
    assert mean.monte_carlo == pytest.approx(0.1)
    assert math.isnan(one(result([1.0] * 9)).monte_carlo)


@pytest.mark.parametrize(
    ("direction", "control", "flag"),
    [
        ("higher", 0.5, ""),
        ("higher", 1.0, "not told apart from c"),
        ("higher", 2.0, "behind c"),
        ("lower", 0.5, "behind c"),
        ("lower", 1.0, "not told apart from c"),
        ("lower", 2.0, ""),
        ("none", 2.0, ""),
        ("higher", math.nan, ""),
    ],
)
def test_a_score_is_flagged_unless_it_is_ahead_of_a_control(direction, control, flag):
    noise = np.random.default_rng(0).normal(scale=0.01, size=12)
    results = {
        ("e", "m"): result(1.0 + noise - noise.mean(), direction=direction),
        ("c", "m"): result([control] * 12, direction=direction),
        ("c", "other"): result([1.0] * 12, direction=direction),
    }
    mine, *controls = means_of(results, ("c",), ("c",))
    assert mine.flag == flag
    assert [(mean.is_control, mean.flag) for mean in controls] == [(True, "")] * 2


def test_a_higher_mean_alone_is_not_ahead():
    """One standard error above a control in the mean: the interval of the difference holds 0."""
    values = np.array([1.0, -1.0] * 10)
    lead = 1.0 / math.sqrt(20)
    mine, _ = means_of({("e", "m"): result(values + lead), ("c", "m"): result([0.0] * 20)}, ("c",), ("c",))
    assert mine.mean > 0
    assert mine.flag == "not told apart from c"


@pytest.mark.parametrize(("rivals", "winners"), [("all", "c, holding"), ("blind", "c")])
def test_where_only_blind_controls_are_rivals_one_that_holds_an_explainer_counts_for_nothing(rivals, winners):
    made = {(name, "m"): result([1.0] * 5) for name in ("e", "c", "holding")}
    results = {
        part: replace(r, info=r.info.model_copy(update={"rivals": rivals})) for part, r in made.items()
    }
    mine, blind, holding = means_of(results, ("c", "holding"), ("c",))
    assert mine.flag == f"not told apart from {winners}"
    assert (blind.is_control, blind.is_rival, holding.is_control) == (True, True, True)
    assert holding.is_rival == (rivals == "all")
    assert not mine.is_rival


@pytest.mark.parametrize(
    ("patients", "said"),
    [
        ([""] * 3, "No intervals: 3 images, and at least 5 are needed."),
        ([""] * 7, "Intervals: 95 %, Student's t, 7 images taken as independent of each other. Where"),
        (["a", "b"] * 7, "No intervals: 2 patients, and at least 5 are needed."),
        (list("abcdefa"), "Intervals: 95 %, Student's t, clustered by patient (6), for this network"),
    ],
)
def test_the_page_says_what_its_intervals_are(patients, said):
    assert interval_note(patients).startswith(said)

"""Verdicts on intervals and p that were made up for them."""

import pytest

from tasks.comparison.claims.verdict import NOT_REPRODUCED, REPRODUCED, UNKNOWN, code_of, verdict_on
from tasks.comparison.row import Row

NAN = float("nan")


def row(expected, low, high, **changed):
    given = {
        "kind": "claim", "arm": "a", "against": "b", "metric": "m", "score": "s", "expected": expected,
        "value": (low + high) / 2, "low": low, "high": high, "p_holm": 0.01, "smallest_p": 0.001,
        "margin": 0.0, "detectable": 0.07, "cluster": "slide", "clusters": 6, "seeds": 2, "units": 9,
    }  # fmt: skip
    return Row(**{**given, **changed})


@pytest.mark.parametrize(
    ("expected", "low", "high", "changed", "verdict"),
    [
        ("higher", 0.1, 0.3, {}, REPRODUCED),
        ("higher", 0.1, 0.3, {"p_holm": 0.051}, UNKNOWN),
        ("higher", -0.1, 0.3, {}, UNKNOWN),
        ("higher", 0.0, 0.3, {}, UNKNOWN),
        ("higher", -0.3, -0.1, {}, NOT_REPRODUCED),
        ("higher", -0.3, 0.04, {"margin": 0.05}, NOT_REPRODUCED),
        ("higher", 0.01, 0.04, {"margin": 0.05}, NOT_REPRODUCED),
        ("higher", 0.01, 0.06, {"margin": 0.05}, REPRODUCED),
        ("higher", -0.3, 0.05, {"margin": 0.05}, UNKNOWN),
        ("lower", -0.3, -0.1, {}, REPRODUCED),
        ("lower", 0.1, 0.3, {}, NOT_REPRODUCED),
        ("lower", -0.04, 0.3, {"margin": 0.05}, NOT_REPRODUCED),
        ("lower", -0.06, 0.3, {"margin": 0.05}, UNKNOWN),
        ("not_lower", -0.02, 0.3, {"margin": 0.02}, REPRODUCED),
        ("not_lower", -0.021, 0.3, {"margin": 0.02}, UNKNOWN),
        ("not_lower", -0.3, -0.021, {"margin": 0.02}, NOT_REPRODUCED),
        ("not_lower", -0.3, -0.02, {"margin": 0.02}, UNKNOWN),
        ("not_higher", -0.3, 0.02, {"margin": 0.02}, REPRODUCED),
        ("not_higher", -0.3, 0.021, {"margin": 0.02}, UNKNOWN),
        ("not_higher", 0.021, 0.3, {"margin": 0.02}, NOT_REPRODUCED),
    ],
)
def test_a_verdict_follows_interval_margin_and_corrected_p(expected, low, high, changed, verdict):
    assert verdict_on(row(expected, low, high, **changed), 0.95, 1)[0] == verdict


def test_the_level_is_that_of_the_interval():
    assert verdict_on(row("higher", 0.1, 0.3, p_holm=0.07), 0.90, 1)[0] == REPRODUCED
    assert verdict_on(row("higher", 0.1, 0.3, p_holm=0.02), 0.99, 1)[0] == UNKNOWN


def test_the_uncorrected_p_of_a_claim_that_nothing_is_lost_plays_no_part():
    assert verdict_on(row("not_lower", -0.01, 0.3, margin=0.02, p=1.0, p_holm=NAN), 0.95, 1)[0] == REPRODUCED


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (row("higher", 0.1, 0.3), "the whole interval lies above 0"),
        (row("lower", -0.3, -0.1), "the whole interval lies below 0"),
        (row("higher", -0.3, -0.1), "the whole interval lies below 0"),
        (
            row("lower", -0.04, 0.1, margin=0.05),
            "the whole interval lies short of \N{MINUS SIGN}0.050, the smallest difference of interest",
        ),
        (row("higher", -0.1, 0.3), "the interval holds 0; a true difference below 0.070 may well be missed"),
        (row("higher", -0.1, 0.3, detectable=NAN), "the interval holds 0"),
        (
            row("higher", 0.1, 0.3, p_holm=0.06, smallest_p=0.031),
            "the interval lies above 0, but p = 0.060; the smallest p that 6 slides can give is 0.031",
        ),
        (
            row("not_higher", 0.01, 0.3, margin=0.02),
            "the interval's worst end, 0.300, is beyond 0.020, but not all of it is",
        ),
        (
            row("not_lower", -0.01, 0.3, margin=0.02),
            "the interval's worst end, \N{MINUS SIGN}0.010, is within",
        ),
    ],
)
def test_a_reason_says_what_decided(made, reason):
    assert verdict_on(made, 0.95, 1)[1].startswith(reason)


def test_a_p_of_several_claims_is_said_to_be_corrected():
    why = verdict_on(row("higher", 0.1, 0.3, p_holm=0.09, smallest_p=0.031), 0.95, 3)[1]
    assert "p = 0.090 after correction over 3 claims; " in why
    assert why.endswith("can give is 0.031, uncorrected")


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (
            row("higher", NAN, NAN, value=0.2, cluster="", note="no interval: 1 patient, 2 slides"),
            "no interval",
        ),
        (row("higher", NAN, NAN, units=0), "no unit is scored on both sides with the same seed"),
        (row("higher", NAN, NAN), "the figure is not defined on these units"),
        (row("higher", NAN, NAN, value=0.2), "the figure is not defined in enough draws"),
        (row("not_lower", 0.0, 0.0, margin=0.1), "both sides agree in every cluster"),
        (row("higher", NAN, NAN, reason="x was not evaluated"), "x was not evaluated"),
    ],
)
def test_without_an_interval_nothing_can_be_told(made, reason):
    verdict, why = verdict_on(made, 0.95, 1)
    assert verdict == UNKNOWN
    assert why.startswith(reason)


def test_verdicts_have_signs():
    assert [code_of(word) for word in (REPRODUCED, NOT_REPRODUCED, UNKNOWN)] == [1.0, -1.0, 0.0]

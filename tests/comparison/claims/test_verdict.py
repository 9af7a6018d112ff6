"""Verdicts on differences and p that were made up for them."""

import dataclasses

import numpy as np
import pytest

from tasks.comparison.claims.verdict import (
    EQUIVALENT,
    NOT_TESTED,
    REPRODUCED,
    REVERSED,
    UNKNOWN,
    VERDICTS,
    code_of,
    verdict_on,
)
from tasks.comparison.row import Row
from tasks.comparison.rows.estimates import with_test
from tasks.statistics.cells import mean_estimate
from tasks.statistics.holm import holm

NAN = float("nan")


def row(expected, value, p, **changed):
    given = {
        "kind": "claim", "arm": "a", "against": "b", "metric": "m", "score": "s", "expected": expected,
        "value": value, "low": value - 0.1, "high": value + 0.1, "p_holm": p, "margin": 0.0,
        "detectable": 0.07, "cluster": "slide", "clusters": 6, "seeds": 2, "units": 9,
    }  # fmt: skip
    return Row(**{**given, **changed})


@pytest.mark.parametrize(
    ("expected", "value", "p", "changed", "verdict"),
    [
        ("higher", 0.2, 0.01, {}, REPRODUCED),
        ("higher", 0.2, 0.051, {}, UNKNOWN),
        ("higher", -0.2, 0.01, {}, REVERSED),
        ("higher", -0.2, 0.051, {}, UNKNOWN),
        ("lower", -0.2, 0.01, {}, REPRODUCED),
        ("lower", 0.2, 0.01, {}, REVERSED),
        ("higher", 0.01, 0.5, {"margin": 0.05, "p_within_holm": 0.01}, EQUIVALENT),
        ("higher", 0.01, 0.5, {"margin": 0.05, "p_within_holm": 0.06}, UNKNOWN),
        ("higher", 0.02, 0.001, {"margin": 0.05, "p_within_holm": 0.001}, EQUIVALENT),
        ("not_lower", 0.0, 0.01, {"margin": 0.02}, REPRODUCED),
        ("not_lower", 0.0, 0.06, {"margin": 0.02}, UNKNOWN),
        ("not_lower", -0.05, 0.01, {"margin": 0.02}, REVERSED),
        ("not_higher", 0.0, 0.01, {"margin": 0.02}, REPRODUCED),
        ("not_higher", 0.05, 0.01, {"margin": 0.02}, REVERSED),
    ],
)
def test_a_verdict_follows_the_corrected_p_alone(expected, value, p, changed, verdict):
    assert verdict_on(row(expected, value, p, **changed), 0.95, 1)[0] == verdict


@pytest.mark.parametrize("p", [0.001, 0.03, 0.049, 0.051, 0.3])
@pytest.mark.parametrize("expected", ["higher", "lower"])
def test_verdicts_are_symmetric(expected, p):
    """The same evidence on either side gives mirrored words: of two claims with one p none is privileged."""
    mirrored = {REPRODUCED: REVERSED, REVERSED: REPRODUCED}
    one, other = (verdict_on(row(expected, value, p), 0.95, 9)[0] for value in (0.2, -0.2))
    assert mirrored.get(one, one) == other


def test_nine_true_nulls_give_a_false_word_no_more_often_than_the_level():
    """Holm comes before every word; without it one in three such families would have one."""
    generator, false, bare = np.random.default_rng(0), 0, 0
    for _ in range(400):
        rows = []
        for _ in range(9):
            found = mean_estimate(generator.normal(size=12), np.arange(12), 0.95)
            rows.append(with_test(row("higher", 0.0, NAN, arm="a", against="a"), found, 0.95))
        corrected = holm([one.p for one in rows])
        judged = [dataclasses.replace(r, p_holm=float(p)) for r, p in zip(rows, corrected, strict=True)]
        false += any(verdict_on(one, 0.95, 9)[0] != UNKNOWN for one in judged)
        bare += any(one.p < 0.05 for one in rows)
    assert false / 400 <= 0.08
    assert bare / 400 > 0.25


def test_the_level_is_that_of_the_interval():
    assert verdict_on(row("higher", 0.2, 0.07), 0.90, 1)[0] == REPRODUCED
    assert verdict_on(row("higher", 0.2, 0.02), 0.99, 1)[0] == UNKNOWN


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (row("higher", 0.2, 0.01), "the difference lies above 0.000, p = 0.010"),
        (row("lower", 0.2, 0.01), "the difference lies above 0.000, p = 0.010"),
        (row("not_lower", 0.0, 0.01, margin=0.02), "the difference lies above \N{MINUS SIGN}0.020, p = "),
        (
            row("higher", 0.05, 0.3),
            "the interval holds 0.000, p = 0.300; a true difference below 0.070 may well be missed",
        ),
        (row("higher", 0.05, 0.3, detectable=NAN), "the interval holds 0.000, p = 0.300"),
        (row("higher", 0.2, 0.09), "the interval leaves out 0.000, p = 0.090"),
        (
            row("higher", 0.0, 0.5, margin=0.05, p_within_holm=0.01),
            "the difference lies between \N{MINUS SIGN}0.050 and 0.050, p = 0.010",
        ),
    ],
)
def test_a_reason_says_what_decided(made, reason):
    assert verdict_on(made, 0.95, 1)[1].startswith(reason)


def test_a_p_of_several_claims_is_said_to_be_corrected():
    assert verdict_on(row("higher", 0.2, 0.09), 0.95, 3)[1].startswith(
        "the interval leaves out 0.000, p = 0.090 after correction over 3 claims; "
    )


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (row("higher", 0.2, NAN, low=NAN, high=NAN, cluster="", note="no interval: 1"), "no interval"),
        (row("higher", NAN, NAN, units=0), "no unit is scored on both sides with the same seed"),
        (row("higher", NAN, NAN), "the figure is not defined on these units"),
        (row("higher", 0.2, NAN, low=NAN, high=NAN), "the figure is not defined without one of the slides"),
        (row("not_lower", 0.0, NAN, low=0.0, high=0.0, margin=0.1), "both sides differ by the same in every"),
        (row("higher", 0.2, NAN, seeds=1), "each arm was trained once"),
        (row("higher", NAN, NAN, reason="x was not evaluated"), "x was not evaluated"),
    ],
)
def test_without_a_test_nothing_can_be_told(made, reason):
    verdict, why = verdict_on(made, 0.95, 1)
    assert verdict == UNKNOWN
    assert why.startswith(reason)


def test_one_seed_is_enough_for_two_explainers_of_the_same_network():
    assert verdict_on(row("higher", 0.2, 0.01, seeds=1, against="a"), 0.95, 1)[0] == REPRODUCED


def test_there_are_five_words_and_verdicts_have_signs():
    assert VERDICTS == (REPRODUCED, REVERSED, EQUIVALENT, UNKNOWN, NOT_TESTED)
    assert [code_of(word) for word in VERDICTS] == [1.0, -1.0, 0.0, 0.0, 0.0]

"""Claims from reports with planted gains to rows with verdicts."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from tasks.artifacts.faithfulness_report import SCORES, FaithfulnessReport
from tasks.comparison.claims.verdict import EQUIVALENT, NOT_TESTED, REPRODUCED, REVERSED, UNKNOWN
from tasks.comparison.compare import compared_rows
from tasks.comparison.job import ArmCheck
from tasks.comparison.recipe import ComparisonRecipe
from tasks.comparison.rows.aligned_scores import aligned_scores
from tasks.statistics.holm import holm
from tasks.statistics.paired import paired_difference
from tests._support.claim_jobs import claim, make_claims_job

GAINS = {"standard": 0.0, "better": 0.3, "same": 0.3, "worse": -0.2}
CLAIMS = (
    claim(primary=True),
    claim(id="other_paper", source="arXiv:0000.00002", arm="worse", primary=True),
    claim(id="beats_worse", against="worse"),
    claim(id="beats_same", against="same", margin=0.25),
    claim(id="purer", endpoint="model/consistency.purity"),
    claim(id="sparser", endpoint="gradient/deletion.gini"),
    claim(id="keeps_auroc", endpoint="performance/tile.auroc", expected="not_lower", margin=0.15),
    claim(id="lower_gap", arm="worse", expected="lower"),
)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return make_claims_job(tmp_path_factory.mktemp("claims"), GAINS, CLAIMS)


@pytest.fixture(scope="module")
def rows(job):
    return compared_rows(job)


@pytest.fixture(scope="module")
def claims(rows):
    return {row.claim: row for row in rows if row.kind == "claim"}


def rescaled(job, levels):
    """Return ``job`` with the mean of a score set for each explainer and arm."""
    reports = []
    for item in job.reports:
        wanted = levels.get(item.explainer, {}).get(item.arm)
        if wanted is not None:
            scores = item.report.scores
            values = scores["value"] - scores["value"].mean() + wanted + 0.01 * item.seed
            scores.assign(value=values).to_parquet(item.report.folder / SCORES)
            item = dataclasses.replace(item, report=FaithfulnessReport(item.report.folder))
        reports.append(item)
    return dataclasses.replace(job, reports=tuple(reports))


def asked(job, *claims):
    """The claims of the same reports, asked anew."""
    recipe = ComparisonRecipe(claims=claims)
    rows = compared_rows(dataclasses.replace(job, recipe=recipe))
    return {row.claim: row for row in rows if row.kind == "claim"}


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("more_faithful", REPRODUCED),
        ("other_paper", REVERSED),
        ("beats_worse", REPRODUCED),
        ("beats_same", EQUIVALENT),
        ("purer", REPRODUCED),
        ("sparser", REPRODUCED),
        ("keeps_auroc", REPRODUCED),
        ("lower_gap", REPRODUCED),
    ],
)
def test_planted_gains_are_told(claims, name, verdict):
    assert claims[name].verdict == verdict, claims[name].reason


def test_claims_come_last_primary_ones_first_each_once(rows):
    assert [row.claim for row in rows[-len(CLAIMS) :]] == [claim.id for claim in CLAIMS]
    assert [row.kind for row in rows].count("claim") == len(CLAIMS)


def test_a_secondary_claim_that_is_named_first_comes_after_the_primary_ones(job):
    assert list(asked(job, claim(id="second"), claim(id="first", primary=True))) == ["first", "second"]


def test_any_two_arms_are_set_against_each_other_by_the_paired_machinery(job, claims):
    settings = 0.95
    scored = next(s for s in aligned_scores(job, settings) if s.score == "gap")
    known = paired_difference(
        scored.block("better", "smoothgrad", (0, 1, 2, 3)),
        scored.block("worse", "smoothgrad", (0, 1, 2, 3)),
        scored.clusters.codes,
        settings,
    )
    row = claims["beats_worse"]
    assert (row.value, row.low, row.high) == (known.estimate.value, known.estimate.low, known.estimate.high)
    assert row.p == known.estimate.p()
    assert (row.clusters, row.seeds, row.units) == (12, 4, 576)
    assert row.value == pytest.approx(0.5, abs=0.03)
    assert row.value == pytest.approx(row.mean - row.mean_against)
    assert row.mean == pytest.approx(0.7, abs=0.03)


def test_against_the_reference_arm_a_claim_is_the_difference_of_the_table(rows, claims):
    for name in ("more_faithful", "purer", "keeps_auroc"):
        row = claims[name]
        twin = next(r for r in rows if r.kind == "difference" and (r.name, r.arm) == (row.name, row.arm))
        same = ("value", "low", "high", "error", "df", "sd_seed", "units", "mean", "mean_against", "narrows")
        assert [getattr(row, f) for f in same] == [getattr(twin, f) for f in same]


def test_a_primary_claim_is_tested_alone_and_secondary_ones_together(claims):
    for name in ("more_faithful", "other_paper"):
        assert claims[name].p_holm == claims[name].p
    names = ("beats_worse", "beats_same", "purer", "sparser", "keeps_auroc", "lower_gap")
    family = [claims[name] for name in names]
    assert {row.family for row in family} == {"claims"}
    np.testing.assert_allclose([row.p_holm for row in family], holm([row.p for row in family]))
    assert claims["beats_worse"].p_holm > claims["beats_worse"].p


def test_a_claim_that_nothing_is_lost_is_tested_against_what_it_tolerates(claims):
    row = claims["keeps_auroc"]
    assert row.family == "claims"
    t = (row.value + 0.15) / row.error
    assert row.p == pytest.approx(2 * stats.t.sf(abs(t), row.df))
    assert np.isnan(row.p_within)


def test_claims_change_no_other_row(job, rows):
    without = compared_rows(dataclasses.replace(job, recipe=ComparisonRecipe()))
    others = [row for row in rows if row.kind != "claim"]
    assert [repr(row) for row in others] == [repr(row) for row in without]


def test_a_control_that_does_well_in_level_voids_no_difference(tmp_path):
    """Maps of ``hollow`` are behind controls, which is said; the difference of the arms stands as it is."""
    gains = {"standard": 0.0, "better": 0.3, "hollow": -0.6}
    hollow = claim(id="hollow_is_worse", arm="hollow", expected="lower")
    rows = compared_rows(make_claims_job(tmp_path, gains, (claim(), hollow)))
    found = {row.claim: row for row in rows if row.kind == "claim"}
    assert (found["more_faithful"].verdict, found["more_faithful"].flag) == (REPRODUCED, "")
    assert found["hollow_is_worse"].verdict == REPRODUCED
    assert found["hollow_is_worse"].flag == "hollow is behind random_map, optical_density, untrained_network"


@pytest.mark.parametrize(("moved", "verdict"), [(0.3, REPRODUCED), (0.0, NOT_TESTED), (-0.3, NOT_TESTED)])
def test_a_claim_is_tested_only_where_the_training_moved_what_it_is_meant_to_move(tmp_path, moved, verdict):
    """``purity`` follows the gain of an arm; here it is what the training of ``better`` should raise."""
    made = make_claims_job(tmp_path, {"standard": 0.0, "better": 0.3}, (claim(primary=True),))
    purity = {"model": {"better": moved, "standard": 0.0}}
    made = dataclasses.replace(
        rescaled(made, purity),
        checks={"better": (ArmCheck("model/consistency.purity", "higher"),)},
    )
    row = next(row for row in compared_rows(made) if row.kind == "claim")
    assert row.verdict == verdict
    if verdict == NOT_TESTED:
        assert row.reason.startswith(
            "the training of better did not take: model/consistency.purity should be higher than in "
            "standard, and differs by "
        )
        assert "The number alone would say: reproduced" in row.reason


def test_a_check_that_the_study_does_not_measure_is_said_to_be_missing(job):
    made = dataclasses.replace(job, checks={"better": (ArmCheck("", "lower", "gradient_scale"),)})
    row = asked(made, claim())["more_faithful"]
    assert row.verdict == REPRODUCED
    assert row.reason.endswith("; whether the training took was not measured (gradient_scale)")


def test_with_one_seed_arms_are_not_tested(tmp_path):
    made = make_claims_job(tmp_path, {"standard": 0.0, "better": 0.3}, (claim(),), seeds=(0,))
    row = next(row for row in compared_rows(made) if row.kind == "claim")
    assert row.verdict == UNKNOWN
    assert row.reason.startswith("each arm was trained once")
    assert np.isnan(row.p)
    assert row.low < row.value < row.high


def test_an_index_without_direction_is_judged_whatever_controls_have(tmp_path):
    sparser = claim(endpoint="gradient/deletion.gini", primary=True)
    made = make_claims_job(tmp_path, {"standard": -0.6, "better": 0.2}, (sparser,))
    assert next(row for row in compared_rows(made) if row.kind == "claim").verdict == REPRODUCED


def test_an_arm_that_was_not_evaluated_is_named(job):
    row = asked(job, claim(id="lost", arm="absent", primary=True))["lost"]
    assert (row.verdict, row.reason) == (
        UNKNOWN,
        "smoothgrad/deletion.gap was not evaluated for absent",
    )
    slide = asked(job, claim(id="lost", arm="absent", endpoint="performance/slide.ece"))["lost"]
    assert slide.name == "performance/slide.ece"
    assert slide.reason == "performance/slide.ece was not evaluated for absent"


def test_arms_without_a_common_seed_share_nothing(job):
    kept = tuple(
        item
        for item in job.reports
        if item.arm not in ("better", "standard") or (item.arm == "better") == (item.seed < 2)
    )
    row = asked(dataclasses.replace(job, reports=kept), claim())["more_faithful"]
    assert (row.verdict, row.seeds) == (UNKNOWN, 0)
    assert row.reason == "no unit is scored on both sides with the same seed"


def test_below_five_clusters_nothing_can_be_told(tmp_path):
    few = make_claims_job(
        tmp_path, {"standard": 0.0, "better": 0.3}, (claim(endpoint="model/consistency.purity"),), slides=3
    )
    row = next(row for row in compared_rows(few) if row.kind == "claim")
    assert (row.verdict, row.clusters) == (UNKNOWN, 0)
    assert row.reason.startswith("no interval: 1 patient, 3 slides, 3 sections")
    assert row.value == pytest.approx(0.3, abs=0.15)


def test_networks_have_rows_of_their_own_kind_and_family(rows):
    own = [row for row in rows if row.explainer == "model" and row.kind != "claim"]
    assert {row.kind for row in own} == {"model", "difference"}
    assert {row.family for row in own if row.kind == "difference"} == {"model"}
    assert {row.name for row in own} == {"model/consistency.purity"}
    assert {row.units for row in own} == {48}
    assert not [row for row in own if row.flag or row.is_control]


def test_a_model_metric_and_a_map_metric_of_one_name_are_not_mixed(job):
    renamed = tuple(
        dataclasses.replace(item, metric="deletion") if item.explainer == "model" else item
        for item in job.reports
    )
    found = list(aligned_scores(dataclasses.replace(job, reports=renamed), 0.95))
    assert [(s.metric, s.score, ("better", "model") in s.pairs) for s in found] == [
        ("deletion", "gap", False),
        ("deletion", "gini", False),
        ("deletion", "purity", True),
    ]

"""Explainers set against one another: in tables, and in claims."""

import dataclasses

import numpy as np
import pytest
from pydantic import ValidationError

from tasks.comparison.claims.endpoints import EndpointScores
from tasks.comparison.claims.verdict import REPRODUCED, REVERSED
from tasks.comparison.compare import compared_rows
from tasks.comparison.page.document import write_page
from tasks.comparison.recipe import ComparisonRecipe
from tasks.comparison.rows.aligned_scores import aligned_scores
from tasks.comparison.summary import summarise
from tasks.statistics.holm import holm
from tasks.statistics.paired import paired_difference
from tests._support.claim_jobs import claim, make_claims_job

GAINS = {"standard": 0.0, "better": 0.2}
CLAIMS = (
    claim(id="smoother", arm="standard", against="standard", against_explainer="gradient", primary=True),
    claim(id="rougher", arm="better", against="better", against_explainer="gradient", expected="lower"),
    claim(id="both", arm="better", against="standard", against_explainer="gradient"),
)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    made = make_claims_job(tmp_path_factory.mktemp("c"), GAINS, CLAIMS, bonus={"smoothgrad": 0.15})
    recipe = ComparisonRecipe(claims=CLAIMS, reference_explainer="gradient")
    return dataclasses.replace(made, recipe=recipe)


@pytest.fixture(scope="module")
def rows(job):
    return compared_rows(job)


def test_each_arm_has_the_difference_to_the_reference_explainer(rows):
    found = {(row.arm, row.name): row for row in rows if row.kind == "between_explainers"}
    assert set(found) == {(arm, f"smoothgrad/deletion.{s}") for arm in GAINS for s in ("gap", "gini")}
    gap = found["standard", "smoothgrad/deletion.gap"]
    assert gap.value == pytest.approx(0.15, abs=0.03)
    assert gap.low < gap.value < gap.high
    assert (gap.against, gap.against_explainer, gap.family) == ("standard", "gradient", "explainers")
    assert gap.value == pytest.approx(gap.mean - gap.mean_against)


def test_it_is_the_paired_difference_of_the_two_reports(job, rows):
    settings = 0.95
    scored = next(s for s in aligned_scores(job, settings) if s.score == "gap")
    one, other = (scored.block("better", name, (0, 1, 2, 3)) for name in ("smoothgrad", "gradient"))
    expected = paired_difference(one, other, scored.clusters.codes, settings)
    row = next(r for r in rows if r.kind == "between_explainers" and (r.arm, r.score) == ("better", "gap"))
    assert row.value == pytest.approx(float((one - other).mean()))
    assert (row.low, row.high, row.p) == (
        expected.estimate.low, expected.estimate.high, expected.estimate.p(),
    )  # fmt: skip


def test_their_tests_are_corrected_together_and_apart_from_others(rows):
    between = [row for row in rows if row.kind == "between_explainers"]
    assert [row.p_holm for row in between] == pytest.approx(list(holm([row.p for row in between])))
    assert np.isfinite([row.p_holm for row in between]).all()


def test_without_a_reference_explainer_there_are_none(job):
    plain = dataclasses.replace(job, recipe=ComparisonRecipe())
    assert not [row for row in compared_rows(plain) if row.kind == "between_explainers"]


def test_claims_on_explainers_are_judged_like_others(rows):
    claims = {row.claim: row for row in rows if row.kind == "claim"}
    assert claims["smoother"].verdict == REPRODUCED
    assert claims["smoother"].value == pytest.approx(0.15, abs=0.03)
    assert claims["rougher"].verdict == REVERSED
    assert claims["both"].value == pytest.approx(0.35, abs=0.04)


def test_an_explainer_that_was_not_evaluated_is_named(job):
    lost = tuple(item for item in job.reports if (item.arm, item.explainer) != ("standard", "gradient"))
    rows = compared_rows(dataclasses.replace(job, reports=lost))
    reasons = {row.claim: row.reason for row in rows if row.kind == "claim"}
    assert reasons["smoother"] == "deletion.gap was not evaluated for gradient in standard"


def test_where_a_side_is_behind_a_control_that_is_said_beside_the_verdict(tmp_path):
    asked = claim(id="worse", arm="standard", against="standard", against_explainer="gradient")
    made = make_claims_job(tmp_path, GAINS, (asked,), bonus={"gradient": -0.9})
    row = next(row for row in compared_rows(made) if row.kind == "claim")
    assert row.verdict == REPRODUCED
    assert row.flag.startswith("gradient in standard is behind random_map")


def test_the_page_says_who_is_better_and_what_is_taken_off_what(job, rows):
    page = write_page(summarise(job, rows), rows)
    section = page.split("## Explainers against one another")[1].split("##")[0]
    assert section.count("smoothgrad is better") == 2
    assert "smoothgrad minus gradient, standard: 0.1" in page
    assert "smoothgrad in better minus gradient in standard: 0.3" in page


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"against_explainer": "smoothgrad"}, "against 'smoothgrad'; name another explainer"),
        ({"against_explainer": "model"}, "against 'model'; name another explainer"),
        ({"endpoint": "performance/tile.auroc", "against_explainer": "gradient"}, "is on performance"),
    ],
)
def test_a_claim_that_sets_nothing_against_something_is_refused(changed, said):
    with pytest.raises(ValidationError, match=said):
        claim(**changed)


def test_a_stranger_is_refused_with_the_nearest_name():
    gap = {"deletion": EndpointScores(("gap",))}
    known = {"gradient": gap, "smoothgrad": gap, "performance": {}}
    recipe = ComparisonRecipe(reference_explainer="gradeint")
    with pytest.raises(ValueError, match="did you mean 'gradient'"):
        recipe.refuse_unknown(["standard"], known)
    asked = ComparisonRecipe(claims=(claim(against="standard", arm="standard", against_explainer="nosuch"),))
    with pytest.raises(ValueError, match="no explainer to be set against is called 'nosuch'"):
        asked.refuse_unknown(["standard"], known)

"""Which control counts against an explainer: one with a number, and one that may be a rival."""

import dataclasses
import math

import pytest

from tasks.comparison.analyses.leaderboard import best_controls
from tasks.comparison.analyses.pareto import pareto_of
from tasks.comparison.claims.claim import Claim
from tasks.comparison.compare import compared_rows
from tasks.comparison.page.document import write_page
from tasks.comparison.page.reading import strongest_controls
from tasks.comparison.recipe import ComparisonRecipe
from tasks.comparison.summary import summarise
from tests._support.rival_jobs import with_blind_rivals, without_scores
from tests._support.traced_jobs import CONTROLS, make_traced_job

NAN = math.nan


def of_gap(rows, kind="faithfulness"):
    """The rows of the removal gap in the first arm, by explainer."""
    return {
        row.explainer: row
        for row in rows
        if (row.kind, row.arm, row.metric, row.score) == (kind, "standard", "deletion", "gap")
    }


@pytest.fixture(scope="module")
def darkness_unscored(tmp_path_factory):
    """The control that does better than the poor map has no score here."""
    job = without_scores(tmp_path_factory.mktemp("one"), {"optical_density"})
    return job, compared_rows(job)


@pytest.fixture(scope="module")
def no_control_scored(tmp_path_factory):
    job = without_scores(tmp_path_factory.mktemp("all"), set(CONTROLS))
    return job, compared_rows(job)


def test_a_control_without_a_score_flags_nobody(darkness_unscored):
    gap = of_gap(darkness_unscored[1])
    assert math.isnan(gap["optical_density"].value)
    assert gap["poor"].flag == gap["good"].flag == ""


def test_where_no_control_has_a_score_nothing_is_flagged_and_none_is_strongest(no_control_scored):
    job, rows = no_control_scored
    assert not [row for row in rows if row.metric == "deletion" and row.flag]
    assert {metric for _, (metric, _) in best_controls(rows)} == {"place"}
    assert {row.metric for row in strongest_controls(rows)} == {"place"}
    found = pareto_of(summarise(job, rows), rows)
    assert found is not None
    assert found.controls == ()
    assert {point.faithfulness.explainer for point in found.front} == {"good"}


def test_the_strongest_control_is_one_with_a_score(darkness_unscored):
    _, rows = darkness_unscored
    assert best_controls(rows)["standard", ("deletion", "gap")].explainer == "random_map"
    held = {(row.arm, row.name): row for row in strongest_controls(rows)}
    assert held["standard", "poor/deletion.gap"].against == "random_map"
    assert held["standard", "poor/deletion.gap"].value == pytest.approx(0.2, abs=0.02)


def test_an_explainer_without_a_score_bears_no_mark(tmp_path):
    """A dash: no flag, nothing bold, no dagger, on no line of the page."""
    job = without_scores(tmp_path, {"poor"})
    rows = compared_rows(job)
    assert of_gap(rows)["poor"].flag == ""
    page = write_page(summarise(job, rows), rows)
    lines = [line for line in page.splitlines() if line.startswith("| deletion.") and "| poor |" in line]
    assert lines == [
        f"| deletion.{score}{arrow} | poor | \N{EN DASH} | \N{EN DASH} |  |"
        for score, arrow in (("gap", " \u2191"), ("lerf", " \u2193"), ("gini", " "))
    ]
    board = [line for line in page.splitlines() if line.startswith("| standard | poor |")]
    assert len(board) == 1
    assert board[0].split(" | ")[2] == "\N{EN DASH}"


@pytest.fixture(scope="module")
def darkness_holds(tmp_path_factory):
    """Darkness beats the poor map but sees a network, and ``deletion`` asks whether a map does."""
    job = with_blind_rivals(tmp_path_factory.mktemp("holds"), {"optical_density"})
    return job, compared_rows(job)


def test_a_control_that_follows_a_network_is_no_rival_where_that_is_asked(darkness_holds):
    gap = of_gap(darkness_holds[1])
    assert gap["optical_density"].value > gap["poor"].value > gap["random_map"].value
    assert gap["poor"].flag == ""
    assert gap["optical_density"].is_control, "it stays listed as a control"
    assert not gap["optical_density"].is_rival
    assert gap["random_map"].is_rival


def test_by_other_metrics_it_stays_a_rival(darkness_holds):
    rows = [
        r for r in darkness_holds[1] if (r.kind, r.arm, r.metric) == ("faithfulness", "standard", "place")
    ]
    assert {row.explainer for row in rows if row.is_rival} == set(CONTROLS)
    assert "optical_density" in next(row.flag for row in rows if row.explainer == "good")


def test_the_best_and_the_strongest_control_are_rivals(darkness_holds):
    job, rows = darkness_holds
    assert best_controls(rows)["standard", ("deletion", "gap")].explainer == "random_map"
    against = {row.against for row in rows if row.kind == "against_control" and row.metric == "deletion"}
    assert against == {"random_map"}
    found = pareto_of(summarise(job, rows), rows)
    assert found is not None
    assert {point.faithfulness.explainer for point in found.controls} == {"random_map"}
    assert len([p for p in found.points if p.faithfulness.flag]) == 0


def test_a_claim_is_not_said_to_be_behind_it(darkness_holds, tmp_path):
    """The same claim on the poor map, with darkness a rival and with darkness holding an explainer."""
    claim = Claim.model_validate(
        {
            "id": "poor", "source": "nobody", "says": "poor maps gain", "endpoint": "poor/deletion.gap",
            "arm": "modulated", "against": "standard", "expected": "higher",
        }
    )  # fmt: skip
    said = {}
    for name, job in (("rival", make_traced_job(tmp_path)), ("holding", darkness_holds[0])):
        recipe = ComparisonRecipe(claims=(claim,))
        rows = compared_rows(dataclasses.replace(job, recipe=recipe))
        said[name] = next(row.flag for row in rows if row.kind == "claim")
    behind = "behind optical_density"
    assert said == {"rival": f"modulated is {behind}; standard is {behind}", "holding": ""}


def test_the_page_lists_the_control_and_says_why_it_counts_for_nothing(darkness_holds):
    job, rows = darkness_holds
    page = write_page(summarise(job, rows), rows)
    assert "| *optical_density (control)* |" in page
    said = (
        "deletion asks whether a map depends on the network. Controls that contain an explainer "
        "(optical_density) depend on a network by construction."
    )
    assert page.count(said) == 2, "above the leaderboard and above the table of all scores"
    assert "depend on a network" not in write_page(summarise(job, of_all(rows)), of_all(rows))


def of_all(rows):
    """The rows with every control a rival."""
    return [dataclasses.replace(row, is_rival=row.is_control) for row in rows]

"""Metrics and tag of a comparison with claims."""

import dataclasses

import pytest

from tasks.comparison.compare import compared_rows
from tasks.comparison.recipe import ComparisonRecipe
from tasks.comparison.row import table_of
from tasks.tracking.compared import claims_text, comparison_points
from tests._support.claim_jobs import claim, make_claims_job

CLAIMS = (
    claim(primary=True),
    claim(id="wrong_way", expected="lower"),
    claim(id="lost", arm="absent"),
)


BESIDE = {
    "low", "high", "p", "p_holm", "p_within_holm", "detectable", "sd_seed", "sd_cluster", "sd_rest", "mean",
    "mean_against", "margin", "verdict",
}  # fmt: skip


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    job = make_claims_job(tmp_path_factory.mktemp("compared"), {"standard": 0.0, "better": 0.3}, CLAIMS)
    return compared_rows(job)


@pytest.fixture(scope="module")
def points(rows):
    found = comparison_points(table_of(rows))
    assert len({name for name, _, _ in found}) == len(found), "a key twice would hide a figure"
    return {name: value for name, value, _ in found}


def test_a_claim_is_a_metric_with_all_its_figures(rows, points):
    row = next(row for row in rows if row.claim == "more_faithful")
    figures = (
        "low",
        "high",
        "p",
        "p_holm",
        "detectable",
        "sd_seed",
        "sd_cluster",
        "sd_rest",
        "mean",
        "margin",
    )
    assert points["claim/more_faithful"] == row.value
    assert {name: points[f"claim/more_faithful.{name}"] for name in figures} == {
        name: getattr(row, name) for name in figures
    }


def test_every_figure_has_its_bounds_beside_it(rows, points):
    known = [row for row in rows if row.value == row.value and row.low == row.low]
    kinds = {row.kind for row in known}
    assert kinds == {"performance", "faithfulness", "model", "difference", "against_control", "claim"}
    names = [name for name in points if name.rpartition(".")[2] not in BESIDE]
    assert len(names) == len([row for row in rows if row.kind != "claim" or row.claim != "lost"]) + 1
    bounded = [name for name in names if points[f"{name}.low"] == points[f"{name}.low"]]
    assert len(bounded) == len(known)
    for name in bounded:
        assert points[f"{name}.low"] <= points[name] <= points[f"{name}.high"], name


def test_a_control_stands_beside_each_explainer_with_a_paired_interval(rows, points):
    row = next(row for row in rows if row.kind == "against_control" and row.arm == "better")
    name = f"against_control/better/{row.explainer}-{row.against}/deletion.{row.score}"
    assert (points[name], points[f"{name}.low"], points[f"{name}.high"]) == (row.value, row.low, row.high)


def test_verdicts_have_signs(points):
    verdicts = [points[f"claim/{name}.verdict"] for name in ("more_faithful", "wrong_way", "lost")]
    assert verdicts == [1.0, -1.0, 0.0]


def test_networks_are_named_once(rows, points):
    row = next(row for row in rows if row.kind == "model" and row.arm == "better")
    assert points["model/better/consistency.purity"] == row.value
    assert "difference/better-standard/model/consistency.purity.p_holm" in points


def test_the_tag_has_a_line_a_claim(rows):
    row = next(row for row in rows if row.claim == "more_faithful")
    lines = claims_text(table_of(rows)).splitlines()
    assert lines[0] == f"more_faithful: reproduced, {row.value:.3f} [{row.low:.3f}, {row.high:.3f}]"
    assert lines[1].startswith("wrong_way: reversed, ")
    assert lines[2].startswith("lost: cannot tell, ")


def test_without_claims_there_is_no_text(rows):
    assert claims_text(table_of([row for row in rows if row.kind != "claim"])) == ""


def test_explainers_set_against_one_another_stand_below_their_arm(tmp_path):
    job = make_claims_job(tmp_path, {"standard": 0.0})
    asked = ComparisonRecipe(reference_explainer="gradient")
    rows = compared_rows(dataclasses.replace(job, recipe=asked))
    row = next(row for row in rows if row.kind == "between_explainers" and row.score == "gap")
    found = {name: value for name, value, _ in comparison_points(table_of(rows))}
    assert found["difference/standard/smoothgrad-gradient/deletion.gap"] == row.value
    assert found["difference/standard/smoothgrad-gradient/deletion.gap.low"] == row.low

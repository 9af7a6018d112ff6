"""Scores of removal: by label, the explained class first, and between arms over a control that is blind."""

import dataclasses

import numpy as np
import pytest

from tasks.comparison.analyses.leaderboard import headlines
from tasks.comparison.compare import compared_rows
from tasks.comparison.job import ComparedReport
from tasks.comparison.page.document import write_page
from tasks.comparison.recipe import ComparisonRecipe
from tasks.comparison.rows.aligned_scores import aligned_scores
from tasks.comparison.summary import summarise
from tests._support.claim_jobs import claim, make_claims_job
from tests._support.comparison_jobs import make_report, places
from tests._support.rival_jobs import rescored

MAP = {"tumour": 0.3, "normal": -0.2}
"""What the maps of ``better`` add on tiles of a class."""
NETWORK = 0.25
"""What removal does more to the network of ``better``, whatever the map."""
ON_TUMOUR = "smoothgrad/deletion.gap on tumour over optical_density"


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """Three seeds, twelve slides; mixed tiles belong to no class."""
    folder = tmp_path_factory.mktemp("removal")
    claims = (claim(endpoint=ON_TUMOUR), claim(id="bare"))
    made = make_claims_job(folder, {"standard": 0.0, "better": 0.0}, claims, seeds=(0, 1, 2))
    table, generator, reports = places(12, 12), np.random.default_rng(0), []
    for item in made.reports:
        if item.explainer not in ("smoothgrad", "optical_density", "untrained_network"):
            continue
        values = 0.4 + generator.normal(scale=0.05, size=len(table))
        if item.arm == "better":
            gain = table["label"].map(MAP).fillna(0.0).to_numpy() if item.explainer == "smoothgrad" else 0.0
            values = values + NETWORK + gain
        report = make_report(item.report.folder, table, {"gap": values, "gini": values})
        blind = item.explainer != "untrained_network"
        reports.append(
            ComparedReport(
                item.arm, item.seed, item.explainer, "deletion", item.is_control, report, is_blind=blind
            )
        )
    return dataclasses.replace(made, reports=tuple(reports), removing=frozenset({"deletion"}))


@pytest.fixture(scope="module")
def rows(job):
    return compared_rows(job)


def test_every_score_stands_by_label_the_explained_class_first(job):
    found = [item.score for item in aligned_scores(job, 0.95) if item.metric == "deletion"]
    assert found == ["gap on tumour", "gap on normal", "gap", "gini on tumour", "gini on normal", "gini"]


def test_mixed_tiles_are_of_no_class_but_count_in_the_whole(job):
    by = {item.score: len(item.unit_rows) for item in aligned_scores(job, 0.95)}
    assert by["gap on tumour"] + by["gap on normal"] < by["gap"] == 144


def test_opposite_effects_are_told_apart_by_label(rows):
    found = {row.score: row for row in rows if row.kind == "difference" and row.metric == "deletion"}
    tumour, normal = (found[f"gap on {label} over optical_density"] for label in ("tumour", "normal"))
    assert tumour.value == pytest.approx(MAP["tumour"], abs=0.03)
    assert normal.value == pytest.approx(MAP["normal"], abs=0.03)
    assert tumour.low > 0 > normal.high


def test_arms_are_compared_over_each_blind_control_and_in_no_bare_score(rows):
    found = {row.score for row in rows if row.kind == "difference" and row.metric == "deletion"}
    assert found == {f"gap{label} over optical_density" for label in (" on tumour", " on normal", "")} | {
        f"gini{label}" for label in (" on tumour", " on normal", "")
    }, "gini has no direction"


def test_what_removal_does_to_the_network_is_no_merit_of_the_map(rows):
    """The bare score would credit the maps of ``better`` with what its network does to every map."""
    claims = {row.claim: row for row in rows if row.kind == "claim"}
    assert claims["more_faithful"].value == pytest.approx(MAP["tumour"], abs=0.03)
    pooled = next(r for r in rows if r.kind == "difference" and r.score == "gap over optical_density")
    assert claims["bare"].value - pooled.value == pytest.approx(NETWORK, abs=0.03)


def test_the_level_over_a_control_is_the_paired_difference_to_it(job, rows):
    scored = next(item for item in aligned_scores(job, 0.95) if item.score == "gap on tumour")
    over = scored.over("optical_density")
    row = next(
        row
        for row in rows
        if (row.kind, row.arm, row.against, row.score)
        == ("against_control", "better", "optical_density", "gap on tumour")
    )
    assert over.score == "gap on tumour over optical_density"
    assert row.value == pytest.approx(over.block("better", "smoothgrad", (0, 1, 2)).mean())
    assert {explainer for _, explainer in over.pairs} == {"smoothgrad"}


def test_one_label_is_not_split(job, tmp_path):
    one = [
        rescored(item, lambda table: table[table["label"] == "tumour"], tmp_path / str(number))
        for number, item in enumerate(job.reports)
    ]
    found = {s.score for s in aligned_scores(dataclasses.replace(job, reports=tuple(one)), 0.95)}
    assert found == {"gap", "gini"}


def test_the_score_that_stands_for_a_metric_is_that_on_the_explained_class(rows):
    assert headlines(rows, None) == {"deletion": "gap on tumour"}


def test_the_page_says_what_over_and_on_mean(job, rows):
    page = write_page(summarise(job, rows), rows)
    assert "| smoothgrad/deletion.gap on tumour over optical_density \u2191 | better |" in page
    assert "*Over* a control: a score of removal minus that of a map which sees no network" in page
    assert "A score *on* a class is that of the tiles with its label." in page


def test_a_primary_endpoint_may_be_one_of_them(job):
    recipe = ComparisonRecipe(primary=ON_TUMOUR)
    rows = compared_rows(dataclasses.replace(job, recipe=recipe))
    assert [row.name for row in rows if row.family == "primary"] == [ON_TUMOUR]

"""What a metric's own draws leave in a mean: kept for every mean, printed where it matters."""

import dataclasses

import numpy as np
import pytest

from tasks.artifacts.faithfulness_report import SCORES, FaithfulnessReport
from tasks.comparison.compare import compared_rows
from tasks.comparison.page.document import write_page
from tasks.comparison.summary import summarise
from tasks.comparison.wording import with_interval
from tests._support.comparison_jobs import SLIDES, TILES, make_job

ERROR = 0.3


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """The score ``gap`` was drawn with an error of 0.3 a tile; ``lerf`` draws nothing."""
    made = make_job(tmp_path_factory.mktemp("drawn"))
    for item in made.reports:
        scores = item.report.scores
        drawn = scores.assign(error=np.where(scores["score"] == "gap", ERROR, np.nan))
        drawn.to_parquet(item.report.folder / SCORES, index=False)
    reports = tuple(dataclasses.replace(i, report=FaithfulnessReport(i.report.folder)) for i in made.reports)
    return dataclasses.replace(made, reports=reports)


@pytest.fixture(scope="module")
def rows(job):
    return compared_rows(job)


def test_the_mean_over_tiles_and_seeds_has_the_error_divided_by_the_root_of_their_number(rows):
    found = [row for row in rows if row.kind == "faithfulness" and row.score == "gap"]
    assert len(found) == 4
    for row in found:
        assert row.units == 3 * SLIDES * TILES
        assert row.monte_carlo == pytest.approx(ERROR / np.sqrt(row.units))


def test_scores_without_draws_and_differences_have_none(rows):
    others = [row for row in rows if row.kind != "faithfulness" or row.score == "lerf"]
    assert {row.kind for row in others} >= {"performance", "difference", "against_control"}
    assert all(np.isnan(row.monte_carlo) for row in others)


def test_it_is_printed_above_a_tenth_of_the_half_width_alone(rows):
    row = next(row for row in rows if row.kind == "faithfulness")
    wide = dataclasses.replace(row, value=1.0, low=0.0, high=2.0)
    assert with_interval(dataclasses.replace(wide, monte_carlo=0.11)) == "1.000 [0.000, 2.000] ± 0.110"
    for silent in (0.09, float("nan")):
        assert with_interval(dataclasses.replace(wide, monte_carlo=silent)) == "1.000 [0.000, 2.000]"


def test_the_page_says_what_the_sign_means_only_where_it_stands(job, rows, tmp_path):
    assert "±" in (page := write_page(summarise(job, rows), rows))
    said = "the standard error of the mean from the metric's own random draws"
    assert page.count(said) == 2, "above the leaderboard and above the table of all scores"
    plain = make_job(tmp_path)
    silent = compared_rows(plain)
    assert "±" not in write_page(summarise(plain, silent), silent)

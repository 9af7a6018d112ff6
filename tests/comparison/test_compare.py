import dataclasses

import numpy as np
import pytest

from tasks.comparison.compare import compare_arms, compared_rows
from tasks.comparison.files import read_rows, read_summary
from tasks.comparison.job import ComparisonError
from tasks.comparison.recipe import ComparisonRecipe
from tasks.statistics.holm import holm
from tests._support.comparison_jobs import make_job, make_predictions, places
from tests._support.rival_jobs import rescored


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return make_job(tmp_path_factory.mktemp("comparison"))


@pytest.fixture(scope="module")
def rows(job):
    return compared_rows(job)


def one(rows, **wanted):
    found = [row for row in rows if all(getattr(row, key) == value for key, value in wanted.items())]
    assert len(found) == 1, wanted
    return found[0]


def test_the_planted_difference_is_found_with_its_interval(rows):
    row = one(rows, kind="difference", explainer="smoothgrad", score="gap")
    assert row.value == pytest.approx(0.5, abs=0.03)
    assert row.low < 0.5 < row.high
    assert (row.arm, row.against, row.family) == ("modulated", "standard", "primary")
    assert (row.cluster, row.clusters, row.patients, row.seeds) == ("slide", 6, 1, 3)
    assert row.note == "clustered by slide (6), conditional on this 1 patient"
    assert row.p_holm == row.p < 0.05


def test_a_mean_is_over_seeds_and_units(job, rows):
    values = [
        item.report.scores.query("score == 'gap'")["value"].mean()
        for item in job.reports
        if item.arm == "standard" and item.explainer == "smoothgrad"
    ]
    row = one(rows, kind="faithfulness", arm="standard", explainer="smoothgrad", score="gap")
    assert row.value == pytest.approx(np.mean(values))
    assert row.low < row.value < row.high


def test_a_score_that_a_control_wins_is_flagged(rows):
    won = one(rows, kind="faithfulness", arm="standard", explainer="smoothgrad", score="gap")
    assert won.flag == ""
    lerf = [r for r in rows if r.kind == "faithfulness" and r.score == "lerf" and r.explainer == "smoothgrad"]
    against = {r.arm: r for r in rows if r.score == "lerf" and r.kind == "against_control"}
    for row in lerf:
        assert bool(row.flag) == (against[row.arm].high >= 0)
        assert not row.flag or row.flag.endswith(" random_map")


def test_every_explainer_is_set_against_every_control_and_no_control_against_an_arm(rows):
    against = [row for row in rows if row.kind == "against_control"]
    assert {(r.arm, r.explainer, r.against, r.score) for r in against} == {
        (arm, "smoothgrad", "random_map", score)
        for arm in ("standard", "modulated")
        for score in ("gap", "lerf")
    }
    assert one(against, arm="standard", score="gap").low > 0.8
    assert not [row for row in rows if row.kind == "difference" and row.is_control]


def test_holm_corrects_each_family_by_itself(rows):
    for family in ("primary", "performance", "faithfulness"):
        members = [row for row in rows if row.family == family]
        assert members
        np.testing.assert_allclose(
            [row.p_holm for row in members], holm([row.p for row in members]), equal_nan=True
        )


def test_below_five_clusters_there_is_a_mean_but_no_interval(job, tmp_path):
    few = places().query("slide_id in ('s0', 's1')").assign(section=1)
    reports = [
        rescored(
            item,
            lambda table: table.query("slide_id in ('s0', 's1')").assign(section=1),
            tmp_path / str(number),
        )
        for number, item in enumerate(job.reports)
    ]
    checkpoints = []
    for number, item in enumerate(job.checkpoints):
        folder = tmp_path / f"few{number}"
        margin = np.random.default_rng(number).normal(size=len(few))
        checkpoints.append(dataclasses.replace(item, predictions=make_predictions(folder, few, margin)))
    small = dataclasses.replace(job, checkpoints=tuple(checkpoints), reports=tuple(reports))
    rows = compared_rows(small)
    assert all(np.isnan(row.low) and np.isnan(row.p) for row in rows)
    assert all(np.isfinite(row.value) for row in rows if row.kind == "faithfulness")
    assert any("at least 5 of a kind are needed" in row.note for row in rows)


def test_the_files_are_the_same_each_time_and_name_no_patient(job, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        compare_arms(job, tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    always = {"comparison.json", "comparison.md", "comparison.parquet", "comparison.png"}
    more = {"leaderboard.csv", "leaderboard.parquet", "agreement.parquet", "agreement.png", "pareto.png"}
    assert set(files) == always | more | {"tiles.csv"}
    for name in files:
        content = (tmp_path / "one" / name).read_bytes()
        assert content == (tmp_path / "two" / name).read_bytes(), name
        assert b"secret-7" not in content
    assert len(read_rows(tmp_path / "one")) == len(compared_rows(job))
    assert read_summary(tmp_path / "one").patients == 1


def test_checkpoints_on_other_tiles_are_refused(job, tmp_path):
    table = places().iloc[:-1]
    other = make_predictions(tmp_path, table, np.zeros(len(table)))
    last = dataclasses.replace(job.checkpoints[-1], predictions=other)
    wrong = dataclasses.replace(job, checkpoints=(*job.checkpoints[:-1], last))
    with pytest.raises(ComparisonError, match="other tiles"):
        compare_arms(wrong, tmp_path)


def test_a_reference_arm_that_failed_is_named(job, tmp_path):
    wrong = dataclasses.replace(job, recipe=ComparisonRecipe(reference_arm="lost"))
    with pytest.raises(ComparisonError, match="'lost' has no evaluated checkpoint"):
        compare_arms(wrong, tmp_path)

"""Both axes of maps of slides: planted maps get the verdict that they were planted for."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import ttest_rel

from tasks.comparison.analyses.two_axes import axes_of, with_verdict
from tasks.comparison.compare import compare_arms, compared_rows
from tasks.comparison.row import Row
from tests._support.slide_comparisons import ARMS, make_slide_job, without_metric_of_labels


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return make_slide_job(tmp_path_factory.mktemp("axes"))


@pytest.fixture(scope="module")
def rows(job):
    return compared_rows(job)


def test_planted_maps_get_their_verdicts_on_both_axes(job, rows):
    found = axes_of(job, rows)
    assert found.scores == {
        "faithfulness": ("tile_deletion", "srg on tumour"),
        "plausibility": ("tile_localisation", "auroc"),
    }
    for arm in ARMS:
        said = {
            (axis, name): found.verdict(axis, arm, name).verdict
            for axis in found.scores
            for name in ("contribution", "attention")
        }
        assert said == {
            ("faithfulness", "contribution"): "yes",
            ("faithfulness", "attention"): "yes",
            ("plausibility", "contribution"): "no",
            ("plausibility", "attention"): "yes",
        }
        assert found.verdict("faithfulness", arm, "attention").against == "darkness"


def test_holm_is_over_all_explainers_and_arms_of_an_axis(rows):
    family = [row for row in rows if row.family == "best blind map, faithfulness"]
    assert len(family) == 4
    smallest = min(family, key=lambda row: row.p)
    assert smallest.p_holm == pytest.approx(min(1.0, 4 * smallest.p))


def test_with_one_seed_the_difference_is_the_paired_t_test_over_patients(tmp_path):
    job = make_slide_job(tmp_path)
    one = dataclasses.replace(
        job,
        checkpoints=tuple(c for c in job.checkpoints if c.seed == 0),
        reports=tuple(r for r in job.reports if r.seed == 0),
    )
    row = next(
        row
        for row in compared_rows(one)
        if (row.kind, row.arm, row.explainer) == ("best_blind", "abmil", "contribution")
        and row.metric == "tile_localisation"
    )
    values = {
        item.explainer: item.report.scores["value"].dropna().to_numpy()
        for item in one.reports
        if (item.arm, item.metric) == ("abmil", "tile_localisation")
    }
    assert row.value == pytest.approx(np.mean(values["contribution"] - values["darkness"]))
    assert row.p == pytest.approx(ttest_rel(values["contribution"], values["darkness"]).pvalue)


def test_noise_is_not_told_apart(tmp_path):
    job = make_slide_job(tmp_path, spread=3.0)
    verdicts = [row.verdict for row in compared_rows(job) if row.kind == "best_blind"]
    assert verdicts == ["cannot tell"] * 8


def test_no_interval_is_no_verdict():
    row = Row("best_blind", "a", "m", "s", 0.2, direction="higher", note="no interval: 3 patients")
    judged = with_verdict(row, 0.95)
    assert (judged.verdict, judged.reason) == ("cannot tell", "no interval: 3 patients")
    same = dataclasses.replace(row, low=0.2, high=0.2, p_holm=0.0)
    assert with_verdict(same, 0.95).verdict == "cannot tell"


def test_an_axis_that_is_not_measured_says_why(job, tmp_path):
    blank = make_slide_job(tmp_path, labelled=False)
    assert axes_of(blank, compared_rows(blank)).unmeasured == {
        "plausibility": "no evaluated slide has both labelled tiles of the explained class and others, so "
        "tile_localisation has no score"
    }
    bare = without_metric_of_labels(job)
    assert "tile_localisation does" in axes_of(bare, compared_rows(bare)).unmeasured["plausibility"]


def test_a_study_of_tiles_has_no_axes(job):
    plain = dataclasses.replace(job, axes=None)
    rows = compared_rows(plain)
    assert axes_of(plain, rows) is None
    assert not [row for row in rows if row.kind == "best_blind"]


def test_the_page_says_both_axes_the_labels_and_every_verdict(job, tmp_path):
    compare_arms(job, tmp_path)
    page = (tmp_path / "comparison.md").read_text(encoding="utf-8")
    assert "- Evaluated: 24 slides of 480 tiles of 24 patients; explained class: tumour." in page
    assert "- Trained on labels of slides: mean_pool, abmil." in page
    assert "![Faithfulness against plausibility](axes.png)" in page
    assert (tmp_path / "axes.png").is_file()
    assert (
        "contribution in mean_pool, contribution in abmil: follows the model, which looks elsewhere" in page
    )
    assert "- Plausibility, beats the best blind map? yes: attention in mean_pool" in page
    assert "slide AUROC" in page
    assert "tile AUROC" not in page
    assert "secret-" not in page


def test_the_page_of_unlabelled_tiles_says_that_plausibility_is_not_measured(tmp_path):
    job = make_slide_job(tmp_path / "job", labelled=False)
    out = tmp_path / "out"
    out.mkdir()
    compare_arms(job, out)
    page = (out / "comparison.md").read_text(encoding="utf-8")
    main = page.partition("## Main findings")[2].partition("\n## ")[0]
    assert "Plausibility is not measured: no evaluated slide has both labelled tiles" in main
    assert (out / "axes.png").is_file()

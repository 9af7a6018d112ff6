"""The table of slides of one checkpoint."""

import dataclasses
import warnings

import numpy as np
import pytest
from scipy import stats

from tasks.artifacts.dose import INFO, Dose, DoseInfo
from tasks.tracking.child import _slides, score_points
from tasks.tracking.job import RecordedReport
from tests._support.comparison_jobs import make_report, places
from tests._support.record_jobs import make_record_job


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("child")
    return make_record_job(folder, folder / "home", arms=("standard",))


def test_a_table_of_many_scores_is_made_without_a_warning(job, tmp_path):
    """150 scores, of which one has no value on the slide; the control has no column."""
    item = job.checkpoints[0]
    tiles = item.predictions.table
    values = {f"s{n}": np.full(len(tiles), n / 7) for n in range(149)} | {"none": np.full(len(tiles), np.nan)}
    found = make_report(tmp_path, tiles, values)
    reports = (RecordedReport("lrp", "many", False, found), RecordedReport("random_map", "many", True, found))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = _slides(job, dataclasses.replace(item, reports=reports))
    scores = [f"lrp/many {name}" for name in sorted(values)]
    assert list(table.columns) == ["slide_id", "patient", "slide_score", *scores]
    assert len(table) == tiles["slide_id"].nunique()
    assert table["lrp/many s3"].tolist() == [round(3 / 7, 4)] * len(table)
    assert table["lrp/many none"].tolist() == [None] * len(table)


def test_every_score_has_its_bounds_beside_it(job, tmp_path):
    """Bounds hold for this network alone: those of Student's law over six slides of equal size."""
    table = places()
    values = np.random.default_rng(0).normal(size=len(table))
    report = RecordedReport("lrp", "own", False, make_report(tmp_path, table, {"gap": values}))
    item = dataclasses.replace(job.checkpoints[0], reports=(report,))
    found = {name: value for name, value, _ in score_points(job, item)}
    judged = {name for name in found if name.startswith(("performance/", "faithfulness/"))}
    scores = {name for name in judged if name.rpartition(".")[2] not in ("low", "high")}
    assert scores >= {"performance/tile.auroc", "faithfulness/lrp/own.gap"}
    assert judged == {f"{name}{end}" for name in scores for end in ("", ".low", ".high")}
    means = table.assign(value=values).groupby("slide_id")["value"].mean()
    low, high = stats.ttest_1samp(means, 0).confidence_interval(0.95)
    own = "faithfulness/lrp/own.gap"
    assert (found[f"{own}.low"], found[f"{own}.high"]) == pytest.approx((low, high))


def test_the_dose_of_an_arm_is_recorded_with_what_it_moved(job, tmp_path):
    info = DoseInfo(
        recipe={},
        regularizer="jacobian",
        field="weight",
        quantity="pixel_sensitivity.logits",
        direction="lower",
        value=0.03,
        free=10.0,
        treated=6.0,
        moved=0.4,
        tiles=40,
        epochs=2,
        seeds=(0,),
    )
    (tmp_path / INFO).write_text(info.model_dump_json(), encoding="utf-8")
    plain, dosed = (
        {
            name: value
            for name, value, _ in score_points(job, dataclasses.replace(job.checkpoints[0], dose=dose))
        }
        for dose in (None, Dose(tmp_path))
    )
    new = {name: value for name, value in dosed.items() if name not in plain}
    assert new == {"dose/jacobian.weight": 0.03, "dose/pixel_sensitivity.logits.moved": 0.4}

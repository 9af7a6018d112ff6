"""A report is read whole or refused in a sentence."""

import pandas as pd
import pytest

from tasks.artifacts.faithfulness_report import (
    CURVES,
    SCORE_COLUMNS,
    SCORES,
    FaithfulnessReport,
    OutdatedReportError,
)


def written(folder, columns):
    pd.DataFrame({name: [0.5] for name in columns}).to_parquet(folder / SCORES)
    return FaithfulnessReport(folder)


def test_a_report_with_all_columns_is_read(tmp_path):
    assert tuple(written(tmp_path, SCORE_COLUMNS).scores) == SCORE_COLUMNS


def test_a_report_of_an_older_kind_says_so(tmp_path):
    old = [name for name in SCORE_COLUMNS if name != "error"]
    with pytest.raises(
        OutdatedReportError, match=r"has no column error: it was made before.*--only evaluate"
    ):
        _ = written(tmp_path, old).scores


def test_nothing_that_is_read_is_kept(tmp_path):
    report = written(tmp_path, SCORE_COLUMNS)
    assert report.scores is not report.scores
    assert set(vars(report)) == {"folder"}


def test_each_unit_is_named_once_in_order(tmp_path):
    table = pd.DataFrame({"unit_id": ["b", "b", "a", "a"], "patient_id": "p", "slide_id": "s", "section": 1})
    table.assign(label="", score=["x", "y"] * 2, value=1.0).to_parquet(tmp_path / SCORES)
    units = FaithfulnessReport(tmp_path).units
    assert units["unit_id"].tolist() == ["b", "a"]
    assert units.columns.tolist() == ["unit_id", "patient_id", "slide_id", "section", "label"]


def test_a_report_without_curves_names_none(tmp_path):
    assert written(tmp_path, SCORE_COLUMNS).curve_names == ()
    assert written(tmp_path, SCORE_COLUMNS).curves is None


@pytest.mark.parametrize("row_group_size", [2, 7, 1000])
def test_one_curve_is_read_alone(tmp_path, row_group_size):
    units = [f"t{i}" for i in range(9)]
    table = pd.concat(
        pd.DataFrame({"unit_id": units, "slide_id": "s", "curve": name, "fraction": 0.5, "value": range(9)})
        for name in ("lerf", "morf")
    )
    table.to_parquet(tmp_path / CURVES, index=False, row_group_size=row_group_size)
    report = FaithfulnessReport(tmp_path)
    assert report.curve_names == ("lerf", "morf")
    found = report.curve("morf")
    assert found["unit_id"].tolist() == units
    assert found.columns.tolist() == ["unit_id", "fraction", "value"]
    assert report.curve("other").empty

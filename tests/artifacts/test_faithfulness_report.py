"""A report is read whole or refused in a sentence."""

import pandas as pd
import pytest

from tasks.artifacts.faithfulness_report import SCORE_COLUMNS, SCORES, FaithfulnessReport, OutdatedReportError


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

"""Rows of two made-up studies as a row-by-row implementation gave them, before draws were shared.

Written once by ``table_of(compared_rows(job)).to_csv(path, index=False, float_format="%.17g")``.
"""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tasks.artifacts.faithfulness_report import SCORES, FaithfulnessReport
from tasks.comparison.compare import compared_rows
from tasks.comparison.row import table_of
from tests._support.comparison_jobs import make_job, places

STORED = Path(__file__).parent


def with_gaps(job):
    """A tenth of the scores is missing, and one report is."""
    reports = []
    for number, item in enumerate(job.reports):
        scores = item.report.scores
        missing = np.random.default_rng(number).random(len(scores)) < 0.1
        scores.assign(value=scores["value"].mask(missing)).to_parquet(item.report.folder / SCORES)
        reports.append(dataclasses.replace(item, report=FaithfulnessReport(item.report.folder)))
    last = max(i for i, item in enumerate(reports) if item.explainer == "smoothgrad")
    return dataclasses.replace(job, reports=tuple(reports[:last] + reports[last + 1 :]))


JOBS = {
    "few_clusters": make_job,
    "many_clusters": lambda folder: with_gaps(make_job(folder, table=places(slides=16, tiles=12))),
}


@pytest.mark.parametrize("name", JOBS)
def test_shared_draws_give_the_numbers_that_draws_for_each_row_gave(tmp_path, name):
    stored = pd.read_csv(STORED / f"rows_{name}.csv", keep_default_na=False, na_values=["nan"])
    found = table_of(compared_rows(JOBS[name](tmp_path)))[list(stored.columns)]
    numbers = stored.select_dtypes("number").columns
    np.testing.assert_allclose(
        found[numbers].to_numpy(float), stored[numbers].to_numpy(float), rtol=1e-9, atol=1e-12
    )
    words = [column for column in stored.columns if column not in numbers]
    assert found[words].to_dict("records") == stored[words].to_dict("records")

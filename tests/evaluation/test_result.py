"""A result in memory is written as the payload of a report."""

import pandas as pd

from tasks.artifacts.faithfulness_report import FaithfulnessReport, ReportInfo
from tasks.evaluation.result import MetricResult
from tests._support.report_units import SCORED, block, units
from tests._support.whole_tables import curve_table, score_table


def test_it_is_read_back_as_a_report(tmp_path):
    (slide,), given = units((4,)), [block(4, 0)]
    info = ReportInfo(metric={}, scores=(), excluded={"why": 2}, passes={}, minimum_passes={})
    scores, curves = score_table(slide, SCORED, given), curve_table(slide, given)
    assert MetricResult(scores, curves, info, {"x": 1.0}).write(tmp_path) == {"x": 1.0}
    report = FaithfulnessReport(tmp_path)
    pd.testing.assert_frame_equal(report.scores, scores)
    assert report.curves is not None
    pd.testing.assert_frame_equal(report.curves, curves)
    assert report.info == info

"""Mean curves with bands, from curves whose course is planted."""

import dataclasses
import gc
import weakref

import numpy as np
import pandas as pd
import pytest

from tasks.artifacts.faithfulness_report import FaithfulnessReport
from tasks.comparison.analyses.curves import (
    MOST_PANELS,
    arms_to_draw,
    curve_table,
    curves_per_arm,
    mean_curves,
)
from tasks.comparison.compare import compared_rows
from tasks.comparison.figures.axes import CONTROL
from tasks.comparison.figures.curves import draw_curves
from tasks.comparison.page.analyses import curves_section
from tasks.comparison.summary import summarise
from tasks.statistics.cells import mean_estimate
from tasks.statistics.clusters import choose_clusters
from tests._support.traced_jobs import FRACTIONS, VALUES, make_traced_job

SETTINGS = 0.95


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return make_traced_job(tmp_path_factory.mktemp("curves"))


@pytest.fixture(scope="module")
def rows(job):
    return compared_rows(job)


@pytest.fixture(scope="module")
def curves(job, rows):
    return tuple(mean_curves(job, rows, job.arms, SETTINGS))


def test_explainers_stand_beside_the_control_that_does_best_by_the_metrics_score(curves):
    assert {(c.arm, c.explainer, c.is_control) for c in curves} == {
        (arm, name, name == "optical_density")
        for arm in ("standard", "modulated")
        for name in ("good", "poor", "optical_density")
    }


def test_only_the_output_that_is_scored_is_drawn(job, curves):
    assert {(c.metric, c.curve) for c in curves} == {("deletion", "morf_probability")}
    assert curves_per_arm(job) == 1


def test_the_mean_is_the_planted_line_with_the_interval_of_the_scores(job, curves):
    found = next(c for c in curves if (c.arm, c.explainer) == ("standard", "good"))
    np.testing.assert_array_equal(found.fractions, FRACTIONS)
    np.testing.assert_allclose(found.band.mean, 1 - FRACTIONS * VALUES["good"], atol=0.01)
    reports = [
        i.report for i in job.reports if (i.arm, i.explainer, i.metric) == ("standard", "good", "deletion")
    ]
    gaps = [report.scores.query("score == 'gap'").sort_values("unit_id") for report in reports]
    values = np.stack([gap["value"].to_numpy() for gap in gaps])
    interval = mean_estimate(values, choose_clusters(gaps[0]).codes, SETTINGS)
    assert (found.band.low[-1], found.band.high[-1]) == pytest.approx((1 - interval.high, 1 - interval.low))
    assert found.units == values.size


def test_the_table_has_a_row_a_point(curves):
    table = curve_table(curves)
    assert len(table) == len(curves) * len(FRACTIONS)
    one = table.query("arm == 'modulated' and explainer == 'poor'")
    np.testing.assert_allclose(one["value"], 1 - FRACTIONS * VALUES["poor"], atol=0.01)
    assert (one["low"] <= one["value"]).all()
    assert not set(table.columns) & {"patient_id"}


def test_metrics_without_curves_and_other_arms_are_left_out(job, rows):
    untraced = dataclasses.replace(job, reports=tuple(i for i in job.reports if i.metric == "place"))
    assert list(mean_curves(untraced, rows, job.arms, SETTINGS)) == []
    assert curves_per_arm(untraced) == 0
    assert {c.arm for c in mean_curves(job, rows, ["modulated"], SETTINGS)} == {"modulated"}


def test_without_a_control_explainers_are_drawn_alone(job):
    alone = dataclasses.replace(job, reports=tuple(i for i in job.reports if not i.is_control))
    found = list(mean_curves(alone, compared_rows(alone), ["standard"], SETTINGS))
    assert [c.explainer for c in found] == ["good", "poor"]


def test_every_curve_is_drawn_in_the_panel_of_its_arm_with_both_edges_of_its_band(job, rows, curves):
    figure = draw_curves(summarise(job, rows), curves)
    panels = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title(loc="left").split("\n") for axes in panels] == [
        ["deletion morf probability", "standard"],
        ["deletion morf probability", "modulated"],
    ]
    assert panels[0].get_ylim() == panels[1].get_ylim()
    for axes, arm in zip(panels, job.arms, strict=True):
        drawn = [list(line.get_ydata()) for line in axes.lines]
        for curve in (c for c in curves if c.arm == arm):
            assert {tuple(curve.band.mean), tuple(curve.band.low), tuple(curve.band.high)} <= set(
                map(tuple, drawn)
            )
        assert len(drawn) == 9
        assert axes.get_xlabel() == "control: optical_density"
        assert sum(line.get_color() == CONTROL for line in axes.lines) == 3


def test_as_many_arms_are_drawn_as_there_is_room_for_the_reference_arm_first(job, rows):
    summary = summarise(job, rows).model_copy(update={"arms": ("a", "b", "c"), "reference_arm": "b"})
    assert arms_to_draw(summary, MOST_PANELS // 2) == ("b", "a")
    assert arms_to_draw(summary, 1) == ("b", "a", "c")
    assert arms_to_draw(summary, 2 * MOST_PANELS) == ("b",)
    assert arms_to_draw(summary, 0) == ("b", "a", "c")


def test_the_figure_says_which_arms_are_missing(job, rows, curves):
    one = tuple(curve for curve in curves if curve.arm == "standard")
    figure = draw_curves(summarise(job, rows), one)
    said = " ".join(figure.get_supxlabel().split())
    assert "Arm: standard. 1 more arms are not drawn." in said
    assert "clustered by slide (6)" in said


def test_the_page_shows_curves_where_there_are_any(curves):
    assert "![Mean curves with bands](curves.png)" in curves_section(curves)
    assert curves_section(()) == []


def test_one_report_at_a_time_holds_its_curves(job, rows, monkeypatch):
    """Memory must not grow with the number of models: the curves of each go before the next are read."""
    read, alive = FaithfulnessReport.curve, []
    seen: list[weakref.ref[pd.DataFrame]] = []

    def noted(self: FaithfulnessReport, name: str) -> pd.DataFrame:
        gc.collect()
        alive.append(sum(each() is not None for each in seen))
        table = read(self, name)
        seen.append(weakref.ref(table))
        return table

    monkeypatch.setattr(FaithfulnessReport, "curve", noted)
    found = list(mean_curves(job, rows, job.arms, SETTINGS))
    assert len(seen) >= 3 * len(found)
    assert max(alive) <= 1
    assert not any("curves" in vars(item.report) or "scores" in vars(item.report) for item in job.reports)

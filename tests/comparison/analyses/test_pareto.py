"""Accuracy against faithfulness: what is beaten in neither."""

import dataclasses

import pytest

from tasks.comparison.analyses.pareto import ParetoPoint, front_of, pareto_of
from tasks.comparison.compare import compared_rows
from tasks.comparison.figures.pareto import draw_pareto
from tasks.comparison.page.analyses import pareto_section
from tasks.comparison.row import Row
from tasks.comparison.summary import summarise
from tests._support.traced_jobs import make_traced_job


def point(accuracy, gap, flag="", direction="higher"):
    return ParetoPoint(
        Row("performance", "a", "tile", "auroc", accuracy, direction="higher"),
        Row("faithfulness", "a", "deletion", "gap", gap, direction=direction, explainer="e", flag=flag),
    )


def places(points):
    return [(one.accuracy.value, one.faithfulness.value) for one in points]


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return make_traced_job(tmp_path_factory.mktemp("pareto"))


@pytest.fixture(scope="module")
def rows(job):
    return compared_rows(job)


def test_a_front_worked_by_hand():
    points = [point(0.9, 0.1), point(0.8, 0.3), point(0.8, 0.2), point(0.7, 0.3), point(0.6, 0.5)]
    assert places(front_of(points)) == [(0.9, 0.1), (0.8, 0.3), (0.6, 0.5)]


def test_lower_scores_turn_the_front():
    points = [point(0.9, 0.5, direction="lower"), point(0.8, 0.3, direction="lower")]
    points.append(point(0.7, 0.4, direction="lower"))
    assert places(front_of(points)) == [(0.9, 0.5), (0.8, 0.3)]


def test_equal_points_are_both_on_the_front():
    assert len(front_of([point(0.9, 0.1), point(0.9, 0.1)])) == 2


def test_what_a_control_beats_is_not_on_the_front_and_keeps_nothing_off():
    points = [point(0.9, 0.9, flag="behind random_map"), point(0.8, 0.3)]
    assert places(front_of(points)) == [(0.8, 0.3)]
    assert front_of(points[:1]) == ()


def test_points_are_arms_by_explainers_with_the_best_control_apart(job, rows):
    found = pareto_of(summarise(job, rows), rows)
    assert {one.name for one in found.points} == {
        f"{explainer}, {arm}" for arm in job.arms for explainer in ("good", "poor")
    }
    assert {one.name for one in found.controls} == {f"optical_density, {arm}" for arm in job.arms}
    assert {one.accuracy.score for one in found.points} == {"auroc"}
    assert all(one.faithfulness.explainer == "good" for one in found.front)


def test_the_primary_endpoint_says_which_score_or_else_the_first_with_a_direction(job, rows):
    summary = summarise(job, rows)

    def score(primary):
        chosen = pareto_of(summary.model_copy(update={"primary": primary}), rows)
        return {(one.faithfulness.metric, one.faithfulness.score) for one in chosen.points}

    assert score("good/place.hit") == {("place", "hit")}
    assert score("good/deletion.lerf") == {("deletion", "lerf")}
    assert score("performance/tile.auroc") == {("deletion", "gap")}
    assert score(None) == {("deletion", "gap")}


def test_without_an_auroc_balanced_accuracy_takes_its_place(job, rows):
    lost = [dataclasses.replace(r, value=float("nan")) if r.score == "auroc" else r for r in rows]
    found = pareto_of(summarise(job, rows), lost)
    assert {one.accuracy.score for one in found.points} == {"balanced_accuracy"}


def test_without_accuracy_or_maps_there_is_nothing_to_draw(job, rows):
    summary = summarise(job, rows)
    assert pareto_of(summary, [row for row in rows if row.kind != "performance"]) is None
    assert pareto_of(summary, [row for row in rows if row.kind != "faithfulness"]) is None
    assert pareto_section(summary, None) == []


def test_the_picture_has_every_point_hollow_where_it_is_no_evidence(job, rows):
    summary = summarise(job, rows)
    found = pareto_of(summary, rows)
    upper, lower = draw_pareto(summary, found).axes
    dots = [line for line in upper.lines if line.get_marker() == "o"]
    assert len(dots) == len(found.points) + len(found.controls)
    hollow = [line.get_ydata()[0] for line in dots if line.get_markerfacecolor() == "white"]
    assert sorted(hollow) == sorted(
        p.faithfulness.value for p in found.points if p.faithfulness.explainer == "poor"
    )
    assert [label.get_text() for label in lower.get_yticklabels()] == ["standard  1", "modulated  2"]
    assert {text.get_text() for text in upper.texts} == {"1", "2"}
    assert not upper.yaxis_inverted()


def of_explainers(found, count):
    """The same with ``count`` explainers in each arm."""
    firsts = {point.accuracy.arm: point for point in found.points}.values()
    points = tuple(
        ParetoPoint(first.accuracy, dataclasses.replace(first.faithfulness, explainer=f"e{n}", value=n / 10))
        for first in firsts
        for n in range(count)
    )
    return dataclasses.replace(found, points=points, front=())


def test_no_two_explainers_look_alike(job, rows):
    summary = summarise(job, rows)
    found = of_explainers(pareto_of(summary, rows), 16)
    figure = draw_pareto(summary, found)
    looks = {}
    for line in figure.axes[0].lines:
        if line.get_marker() not in ("None", ""):
            looks.setdefault(float(line.get_ydata()[0]), set()).add((line.get_color(), line.get_marker()))
    of_maps = [looks[n / 10] for n in range(16)]
    assert all(len(own) == 1 for own in of_maps), "an explainer looks the same in every arm"
    assert len(set.union(*of_maps)) == 16
    shown = {
        text.get_text(): (line.get_color(), line.get_marker())
        for line, text in zip(figure.legends[0].get_lines(), figure.legends[0].get_texts(), strict=True)
    }
    assert [{shown[f"e{n}"]} for n in range(16)] == of_maps


def test_with_one_arm_names_stand_in_place_of_accuracies(job, rows):
    summary = summarise(job, rows).model_copy(update={"arms": ("standard",)})
    figure = draw_pareto(summary, pareto_of(summary, [row for row in rows if row.arm == "standard"]))
    upper = figure.axes[0]
    assert [text.get_text() for text in upper.get_xticklabels()] == ["good", "poor", "optical_density"]
    dots = [line.get_xdata()[0] for line in upper.lines if line.get_marker() == "o"]
    assert sorted(dots) == sorted(upper.get_xticks())
    assert upper.get_xlabel() == "maps of the one arm, in no order"
    assert {text.get_text() for text in upper.texts} == {""}
    words = " ".join(figure.get_supxlabel().split())
    assert "There is one arm" in words
    assert "more accurate" not in words


def test_up_is_always_more_faithful(job, rows):
    summary = summarise(job, rows).model_copy(update={"primary": "good/deletion.lerf"})
    figure = draw_pareto(summary, pareto_of(summary, rows))
    assert figure.axes[0].yaxis_inverted()
    assert "The vertical axis is inverted." in " ".join(figure.get_supxlabel().split())


def test_the_page_names_the_front_or_says_that_there_is_none(job, rows):
    summary = summarise(job, rows)
    found = pareto_of(summary, rows)
    text = " ".join(pareto_section(summary, found))
    assert "Tile AUROC against deletion.gap. Not dominated by any other: good, " in text
    assert "No point is ahead of every control" in " ".join(
        pareto_section(summary, dataclasses.replace(found, front=()))
    )
    alone = summary.model_copy(update={"arms": ("standard",)})
    assert "no trade-off" in " ".join(pareto_section(alone, found))

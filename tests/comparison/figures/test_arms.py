"""What is drawn, read off the axes; that it is legible was looked at."""

import dataclasses

import pytest

from tasks.comparison.compare import compared_rows
from tasks.comparison.figures.few_arms import draw_few
from tasks.comparison.figures.many_arms import draw_many
from tasks.comparison.files import draw_comparison
from tasks.comparison.recipe import ComparisonRecipe
from tasks.comparison.summary import summarise
from tests._support.claim_jobs import GAINS, claim, make_claims_job

CLAIMS = (
    claim(arm="scaat", endpoint="gradient/deletion.gap", against="jacobian"),
    claim(id="purer", arm="scaat", endpoint="model/consistency.purity", primary=True),
    claim(id="again", arm="trades", endpoint="gradient/deletion.gap"),
)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return make_claims_job(tmp_path_factory.mktemp("figure"), GAINS, CLAIMS, seeds=(0,), slides=6)


def drawn(job, draw=draw_many):
    rows = compared_rows(job)
    figure = draw(summarise(job, rows), rows)
    return figure, [axes for axes in figure.axes if axes.axison]


def titles(axes):
    return [one.get_title(loc="left") for one in axes]


def test_many_arms_are_drawn_in_the_claimed_endpoints_and_tile_auroc(job):
    figure, axes = drawn(job)
    assert titles(axes) == [
        "model/consistency.purity \u2191",
        "gradient/deletion.gap \u2191",
        "performance/tile.auroc \u2191",
    ]
    assert [label.get_text() for label in axes[0].get_yticklabels()] == list(GAINS)
    # 8 of prediction, 2 x 2 of maps, 1 of the network, less the three that are drawn.
    assert "10 more endpoints are in the tables" in " ".join(figure.get_supxlabel().split())


def test_each_arm_stands_on_its_own_line_with_its_interval_and_its_controls(job):
    _, axes = drawn(job)
    rows = compared_rows(job)
    gap = axes[1]
    for place, arm in enumerate(GAINS):
        row = next(
            r for r in rows if (r.kind, r.name, r.arm) == ("faithfulness", "gradient/deletion.gap", arm)
        )
        here = [line for line in gap.lines if set(line.get_ydata()) == {place}]
        bars = [list(line.get_xdata()) for line in here if len(line.get_xdata()) == 2]
        assert bars == [[row.low, row.high]]
        points = [line.get_xdata()[0] for line in here if len(line.get_xdata()) == 1]
        controls = [r.value for r in rows if r.kind == "faithfulness" and r.is_control and r.arm == arm]
        assert row.value in points
        assert len(points) == 1 + 3
        assert set(points) - {row.value} <= set(controls)


def test_a_flagged_point_is_hollow(tmp_path):
    gains = {f"arm{number}": 0.0 for number in range(5)} | {"hollow": -0.6}
    made = make_claims_job(tmp_path, gains, seeds=(0,), slides=5)
    _, axes = drawn(made)
    panel = next(one for one in axes if "deletion.gap" in one.get_title(loc="left"))
    inside = {
        line.get_ydata()[0]: line.get_markerfacecolor() for line in panel.lines if line.get_marker() == "o"
    }
    assert [inside[place] == "white" for place in range(6)] == [False] * 5 + [True]


def test_without_claims_each_metric_has_its_first_endpoint(job):
    figure, axes = drawn(dataclasses.replace(job, recipe=ComparisonRecipe()))
    assert titles(axes) == [
        "performance/tile.accuracy \u2191",
        "performance/slide.accuracy \u2191",
        "smoothgrad/deletion.gap \u2191",
        "model/consistency.purity \u2191",
        "performance/tile.auroc \u2191",
    ]
    assert "one endpoint per metric" in figure.get_supxlabel()


def test_few_arms_have_a_panel_for_every_score_also_of_the_network(tmp_path):
    made = make_claims_job(tmp_path, {"standard": 0.0, "better": 0.3}, seeds=(0,), slides=6)
    _, axes = drawn(made, draw_few)
    assert {"deletion gap \u2191", "deletion gini ", "consistency purity \u2191"} <= set(titles(axes))


def test_without_room_for_all_scores_each_metric_keeps_the_one_that_stands_for_it(tmp_path, monkeypatch):
    """Eight figures of prediction, and room for two more of the three others."""
    monkeypatch.setattr("tasks.comparison.figures.few_arms._MOST_PANELS", 10)
    made = make_claims_job(tmp_path, {"standard": 0.0, "better": 0.3}, seeds=(0,), slides=6)
    figure, axes = drawn(made, draw_few)
    assert titles(axes)[8:] == ["deletion gap \u2191", "consistency purity \u2191"]
    assert "1 more scores are in the tables" in " ".join(figure.get_supxlabel().split())


def test_arms_beyond_five_change_the_figure(tmp_path, monkeypatch):
    seen = []
    for name in ("draw_few", "draw_many"):
        real = {"draw_few": draw_few, "draw_many": draw_many}[name]
        monkeypatch.setattr(
            f"tasks.comparison.files.{name}",
            lambda summary, rows, real=real, name=name: (seen.append(name), real(summary, rows))[1],
        )
    for count in (5, 6):
        gains = {f"arm{number}": 0.0 for number in range(count)}
        made = make_claims_job(tmp_path / str(count), gains, seeds=(0,), slides=5)
        rows = compared_rows(made)
        draw_comparison(summarise(made, rows), rows, tmp_path / f"{count}.png")
        assert (tmp_path / f"{count}.png").stat().st_size > 1000
    assert seen == ["draw_few", "draw_many"]

"""A page of many scores stays short, and says where the rest is."""

import math
from dataclasses import replace

import pytest

from tasks.comparison.page.brief import MOST_LINES
from tasks.comparison.page.document import write_page
from tasks.comparison.page.main_findings import main_findings
from tasks.comparison.row import Row
from tasks.comparison.summary import ComparisonSummary

EXPLAINERS = ("gradient", "lrp")
REST = "All others, and metrics without a direction"
SECTIONS = ("Faithfulness", "Explainers against one another", "Explainers against the strongest control")


def summary(arms=("standard",)):
    return ComparisonSummary(
        study="many", arms=arms, reference_arm=arms[0],
        seeds=dict.fromkeys(arms, (0,)), target_class="tumour", primary=None, confidence=0.95,
        slide_score="", patients=9, slides=9, tiles=9, split_hash="", clustering=(), slide_scores={},
        failed_slides={},
    )  # fmt: skip


def made(metric, score, explainer, value, kind="faithfulness", **more):
    told = {"low": value - 0.1, "high": value + 0.1, "direction": "higher"}
    return Row(kind, "standard", metric, score, value, explainer=explainer, **{**told, **more})


def rows_of(metrics, flagged=frozenset()):
    """Of each metric ``gap`` and ``raw`` (higher) of two explainers and a control, and ``size`` (neither)."""
    rows = []
    for number in range(metrics):
        name = f"metric{number}"
        for score in ("gap", "raw"):
            for explainer in EXPLAINERS:
                flag = "not told apart from dark" if explainer in flagged else ""
                rows.append(made(name, score, explainer, 0.5, flag=flag))
                over = {"gradient": 0.3, "lrp": -0.2}[explainer]
                rows.append(
                    made(name, score, explainer, over, kind="against_control", against="dark", p_holm=0.01)
                )
            rows.append(made(name, score, "dark", 0.1, is_control=True, is_rival=True))
            versus = {"against_explainer": "gradient", "family": "explainers", "p": 0.01}
            rows.append(
                made(
                    name,
                    score,
                    "lrp",
                    0.2,
                    kind="between_explainers",
                    against="standard",
                    p_holm=0.01 if number == 0 else 1.0,
                    **versus,
                )
            )
        rows.append(made(name, "size", "gradient", 0.7, direction="none"))
    return rows


def section(page, title):
    return page.split(f"## {title}\n")[1].split("\n## ")[0]


@pytest.fixture(scope="module")
def long_page():
    return write_page(summary(), rows_of(80, {"lrp"}))


def test_tables_that_run_over_pages_hold_one_score_a_metric(long_page):
    for title in SECTIONS:
        assert REST in section(long_page, title), title
        assert "metric79.gap \u2191" in section(long_page, title)
        assert "metric79.raw" not in section(long_page, title)
        assert "size" not in section(long_page, title)
        assert len(section(long_page, title).splitlines()) < MOST_LINES


def test_short_ones_are_whole():
    page = write_page(summary(), rows_of(3))
    for title in SECTIONS:
        assert REST not in section(page, title), title
        assert "metric2.raw" in section(page, title) or "lrp/metric2.raw" in section(page, title)


def test_each_section_is_cut_by_its_own_length():
    """40 metrics: 280 means, 160 differences to the control, but 80 between explainers."""
    page = write_page(summary(), rows_of(40))
    assert [REST in section(page, title) for title in SECTIONS] == [True, False, True]


def test_a_cut_cell_tells_what_a_line_told(long_page):
    line = {
        title: next(text for text in section(long_page, title).splitlines() if "| lrp |" in text).split(" | ")
        for title in SECTIONS
    }
    assert line["Faithfulness"][2] == "0.500 [0.400, 0.600] \u2020"
    assert line["Explainers against one another"][2:4] == [
        "**0.200 [0.100, 0.300], p 0.010**",
        "0.200 [0.100, 0.300], p 1.000",
    ]
    against = section(long_page, "Explainers against the strongest control")
    assert "| standard | gradient | **0.300 [0.200, 0.400]** dark |" in against
    assert line["Explainers against the strongest control"][2] == (
        "\N{MINUS SIGN}0.200 [\N{MINUS SIGN}0.300, \N{MINUS SIGN}0.100] dark, *behind*"
    )
    assert "| standard | *dark (control)* | 0.100 [" in section(long_page, "Faithfulness")


def test_many_arms_are_lines_too():
    arms = (*(f"arm{n}" for n in range(6)), "standard")
    text = section(write_page(summary(arms), rows_of(80)), "Faithfulness")
    assert "| standard | gradient | 0.500 [0.400, 0.600] |" in text
    assert "arm0" not in text, "an arm without maps has no line"


def said(metrics, flagged=frozenset(EXPLAINERS)):
    return main_findings(summary(), rows_of(metrics, flagged))[-1]


def test_forty_flagged_scores_are_named_and_more_are_counted_by_metric():
    assert "no evidence here: gradient/metric0.gap, lrp/metric0.gap" in said(10)
    many = said(11, {"lrp", "gradient"})
    assert many.startswith("- Of 44 explainer scores with a direction, 44 are behind a control")
    assert "metric0.gap 2 of 2, metric1.gap 2 of 2" in many
    assert "leaderboard.csv" in many
    assert "raw" not in many
    assert "lrp/" not in many
    assert "metric5.gap 1 of 2" in said(30, {"lrp"})


def test_a_score_without_a_number_is_not_counted():
    rows = [*rows_of(1, {"lrp"}), made("completeness", "error", "lrp", math.nan)]
    (line,) = [text for text in main_findings(summary(), rows) if "with a direction" in text]
    assert line.startswith("- Of 4 explainer scores with a direction, 2 are")


def test_what_is_ahead_of_every_control_is_said_arm_by_arm():
    rows = [*rows_of(1, {"lrp"}), *(replace(row, arm="untrained") for row in rows_of(1, set(EXPLAINERS)))]
    (line,) = [text for text in main_findings(summary(("standard", "untrained")), rows) if "by arm" in text]
    assert line == (
        "- Scores that are ahead of every control, by arm: standard 2 of 4: gradient/metric0.gap, "
        "gradient/metric0.raw; untrained 0 of 4."
    )


def test_without_controls_nothing_is_said_to_be_ahead():
    """A flag is missing there because nothing was compared."""
    alone = [row for row in rows_of(1) if row.kind != "against_control"]
    undefined = [replace(row, value=math.nan) if row.kind == "against_control" else row for row in rows_of(1)]
    for rows in (alone, undefined):
        assert not any("by arm" in text for text in main_findings(summary(), rows))

"""Who stands where, with the control that does best."""

import io

import numpy as np
import pandas as pd
import pytest

from tasks.comparison.analyses.leaderboard import BEST_CONTROL, best_controls, headlines, leaderboard
from tasks.comparison.compare import compared_rows
from tasks.comparison.page.leaderboard import leaderboard_section
from tasks.comparison.summary import summarise
from tests._support.traced_jobs import make_traced_job


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return make_traced_job(tmp_path_factory.mktemp("board"))


@pytest.fixture(scope="module")
def rows(job):
    return compared_rows(job)


def line(table, arm, explainer):
    found = table[(table["arm"] == arm) & (table["explainer"] == explainer)]
    assert len(found) == 1
    return found.iloc[0]


def test_a_line_an_arm_and_explainer_and_one_an_arm_for_the_best_control(rows):
    table = leaderboard(rows)
    assert list(zip(table["arm"], table["explainer"], strict=True)) == [
        (arm, name) for arm in ("standard", "modulated") for name in ("good", "poor", BEST_CONTROL)
    ]


def test_columns_name_the_direction_and_hold_value_interval_and_note(rows):
    table = leaderboard(rows)
    assert list(table.columns[2:10]) == [
        "deletion.gap (higher is better)", "deletion.gap low", "deletion.gap high", "deletion.gap note",
        "deletion.lerf (lower is better)", "deletion.lerf low", "deletion.lerf high", "deletion.lerf note",
    ]  # fmt: skip
    row = next(
        r for r in rows if (r.kind, r.arm, r.name) == ("faithfulness", "standard", "good/deletion.gap")
    )
    found = line(table, "standard", "good")
    assert tuple(found[list(table.columns[2:6])]) == (row.value, row.low, row.high, "")
    assert "deletion.gini (no direction)" in table


def test_the_best_control_follows_the_direction_and_is_named(rows):
    """Darkness has the larger gap; of ``lerf``, one less the gap, the lower is better: darkness again."""
    found = line(leaderboard(rows), "standard", BEST_CONTROL)
    assert found["deletion.gap (higher is better)"] == pytest.approx(0.3, abs=0.01)
    assert found["deletion.lerf (lower is better)"] == pytest.approx(0.7, abs=0.01)
    assert found["deletion.gap note"] == found["deletion.lerf note"] == "optical_density"
    assert found["place.hit (higher is better)"] == pytest.approx(1.0, abs=0.02)
    assert found["place.hit note"] == "random_map"
    assert np.isnan(found["deletion.gini (no direction)"]), "where nothing is better no control is best"


def test_a_value_that_a_control_reaches_says_so(rows):
    table = leaderboard(rows)
    assert line(table, "standard", "poor")["deletion.gap note"].startswith("behind optical_density")
    assert line(table, "standard", "good")["deletion.gap note"] == ""


def test_it_survives_being_written_as_text(rows):
    table = leaderboard(rows)
    read = pd.read_csv(io.StringIO(table.to_csv(index=False)))
    value = "deletion.gap (higher is better)"
    np.testing.assert_allclose(read[value], table[value], rtol=1e-12)


def test_a_metric_stands_on_its_primary_score_or_the_first_with_a_direction(rows):
    assert headlines(rows, None) == {"deletion": "gap", "place": "hit"}
    assert headlines(rows, "good/deletion.lerf") == {"deletion": "lerf", "place": "hit"}
    assert headlines(rows, "good/deletion.gini")["deletion"] == "gap", (
        "a score without a direction leads none"
    )


def test_best_controls_leave_out_values_that_are_not_defined(rows):
    kept = [row for row in rows if row.explainer != "optical_density"]
    assert best_controls(kept)["standard", ("deletion", "gap")].explainer == "random_map"
    assert best_controls([row for row in rows if not row.is_control]) == {}


def test_the_page_marks_what_is_no_evidence_and_the_best_of_the_rest(job, rows):
    section = leaderboard_section(summarise(job, rows), rows)
    assert section[0] == "## Leaderboard"
    text = "\n".join(section)
    assert "Ranks are not summed over columns" in text
    head = next(text for text in section if text.startswith("| arm"))
    assert head == "| arm | explainer | deletion.gap \u2191 | place.hit \u2191 |"
    lines = [text.split(" | ") for text in section if text.startswith(("| standard", "| modulated"))]
    gaps = {(cells[0].strip("| "), cells[1]): cells[2] for cells in lines}
    assert {place for place, cell in gaps.items() if cell.endswith("\u2020")} == {
        ("standard", "poor"),
        ("modulated", "poor"),
    }
    assert sum(cell.startswith("**") for cell in gaps.values()) == 1
    controls = [cell for place, cell in gaps.items() if place[1] == "*best control*"]
    assert len(controls) == 2
    assert all(cell.endswith(" optical_density") for cell in controls)


def test_without_a_score_that_has_a_direction_there_is_no_section(job, rows):
    kept = [row for row in rows if row.direction == "none"]
    assert leaderboard_section(summarise(job, rows), kept) == []

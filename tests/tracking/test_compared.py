"""Metrics and tag of a comparison with claims."""

import pytest

from tasks.comparison.compare import compared_rows
from tasks.comparison.row import table_of
from tasks.tracking.compared import claims_text, comparison_points, figures_table
from tests._support.claim_jobs import claim, make_claims_job

CLAIMS = (
    claim(primary=True),
    claim(id="wrong_way", expected="lower"),
    claim(id="lost", arm="absent"),
)


BESIDE = {"low", "high", "p_holm", "verdict"}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    job = make_claims_job(tmp_path_factory.mktemp("compared"), {"standard": 0.0, "better": 0.3}, CLAIMS)
    return compared_rows(job)


@pytest.fixture(scope="module")
def points(rows):
    found = comparison_points(table_of(rows))
    assert len({name for name, _, _ in found}) == len(found), "a key twice would hide a figure"
    return {name: value for name, value, _ in found}


def test_a_claim_is_a_metric_with_its_bounds(rows, points):
    row = next(row for row in rows if row.claim == "more_faithful")
    beside = [points[f"claim/more_faithful{end}"] for end in ("", ".low", ".high", ".p_holm")]
    assert beside == [row.value, row.low, row.high, row.p_holm]


def test_every_metric_has_its_bounds_beside_it(rows, points):
    """Controls, differences and the network itself are in the table alone, so that charts are few."""
    names = [name for name in points if name.rpartition(".")[2] not in BESIDE]
    assert {name.partition("/")[0] for name in names} == {"performance", "faithfulness", "claim"}
    controls = {row.explainer for row in rows if row.is_control}
    assert controls
    assert not [name for name in names if controls & set(name.split("/"))]
    assert all({f"{name}.low", f"{name}.high"} <= set(points) for name in names)
    bounded = [name for name in names if points[f"{name}.low"] == points[f"{name}.low"]]
    assert bounded
    for name in bounded:
        assert points[f"{name}.low"] <= points[name] <= points[f"{name}.high"], name


def test_every_figure_is_in_the_table_with_its_bounds(rows):
    table = figures_table(table_of(rows))
    assert len(table["kind"]) == len(rows)
    assert set(table["kind"]) >= {"performance", "model", "difference", "against_control", "claim"}
    for n, row in enumerate(rows):
        for name in ("value", "low", "high", "p_holm"):
            known = getattr(row, name)
            assert table[name][n] == (known if known == known else None)


def test_verdicts_have_signs(points):
    verdicts = [points[f"claim/{name}.verdict"] for name in ("more_faithful", "wrong_way", "lost")]
    assert verdicts == [1.0, -1.0, 0.0]


def test_the_tag_has_a_line_a_claim(rows):
    row = next(row for row in rows if row.claim == "more_faithful")
    lines = claims_text(table_of(rows)).splitlines()
    assert lines[0] == f"more_faithful: reproduced, {row.value:.3f} [{row.low:.3f}, {row.high:.3f}]"
    assert lines[1].startswith("wrong_way: reversed, ")
    assert lines[2].startswith("lost: cannot tell, ")


def test_without_claims_there_is_no_text(rows):
    assert claims_text(table_of([row for row in rows if row.kind != "claim"])) == ""

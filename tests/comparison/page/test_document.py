import dataclasses
import itertools

import pytest

from tasks.comparison.compare import compared_rows
from tasks.comparison.page.document import write_page
from tasks.comparison.page.main_findings import main_findings
from tasks.comparison.page.reading import reading
from tasks.comparison.recipe import ComparisonRecipe
from tasks.comparison.summary import summarise
from tests._support.comparison_jobs import make_job


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    job = make_job(tmp_path_factory.mktemp("page"))
    rows = compared_rows(job)
    return write_page(summarise(job, rows), rows)


@pytest.mark.parametrize(
    "said",
    [
        "180 tiles of 6 slides of 1 patient;",
        "Intervals are clustered by slide (6), conditional on this 1 patient.",
        "- Primary endpoint smoothgrad/deletion.gap: modulated minus standard:",
        "*random_map (control)*",
        "| tile AUROC \u2191 |",
        "Student's t with training seeds and clusters both drawn at random",
        "are found with a power of 0.8",
        "![Comparison of the arms](comparison.png)",
    ],
)
def test_the_page_says(page, said):
    assert said in page


def test_failed_slides_are_named_with_reasons_but_without_patients(page):
    assert "| s9 | patient:" in page
    assert "secret-7" not in page


def test_every_table_row_has_as_many_cells_as_its_head(page):
    lines = page.splitlines()
    for above, line in itertools.pairwise(lines):
        if above.startswith("| ") and line.startswith("| "):
            assert above.count(" |") == line.count(" |"), line


def test_the_looks_of_before_are_said(tmp_path):
    job = dataclasses.replace(make_job(tmp_path), looks="these 6 test slides had been compared once")
    rows = compared_rows(job)
    assert "\n- These 6 test slides had been compared once.\n" in write_page(summarise(job, rows), rows)


def test_weak_labels_are_said(tmp_path):
    job = make_job(tmp_path)
    rows = compared_rows(job)
    assert "Weak labels" not in write_page(summarise(job, rows), rows)
    weak = dataclasses.replace(job, weak_labels="weak labels: the tiles of 3 slides")
    assert "\n- Weak labels: the tiles of 3 slides.\n" in write_page(summarise(weak, rows), rows)


def test_how_many_tiles_were_explained_is_said(tmp_path):
    job = dataclasses.replace(make_job(tmp_path), explained="512 of 20000 tiles were explained")
    rows = compared_rows(job)
    assert "\n- 512 of 20000 tiles were explained.\n" in write_page(summarise(job, rows), rows)


def test_the_sentence_on_the_primary_endpoint_obeys_its_flag(tmp_path):
    """The better arm's maps are ahead of the control, or they are not: only then is it called better."""
    job = make_job(tmp_path)
    rows = compared_rows(job)
    line = "modulated minus standard: "
    ahead = main_findings(summarise(job, rows), rows)[0]
    assert line in ahead
    assert "(modulated is better)" in ahead
    flag = "not told apart from random_map"
    hollow = [
        dataclasses.replace(row, flag=flag)
        if (row.kind, row.arm, row.name) == ("faithfulness", "modulated", "smoothgrad/deletion.gap")
        else row
        for row in rows
    ]
    said = main_findings(summarise(job, hollow), hollow)[0]
    assert "is better" not in said
    assert f"modulated scores better than the other arm, but is no evidence: its maps are {flag}" in said


def test_without_a_primary_endpoint_the_page_says_exploratory(tmp_path):
    job = make_job(tmp_path, recipe=ComparisonRecipe())
    rows = compared_rows(job)
    assert "so all differences below are exploratory" in write_page(summarise(job, rows), rows)


def test_a_reading_follows_the_direction(tmp_path):
    job = make_job(tmp_path)
    row = next(row for row in compared_rows(job) if row.family == "primary")
    assert reading(row, 0.95) == "modulated is better"
    assert reading(dataclasses.replace(row, direction="lower"), 0.95) == "standard is better"
    assert reading(dataclasses.replace(row, direction="none"), 0.95) == "modulated is higher"
    assert reading(dataclasses.replace(row, p_holm=0.2), 0.95) == "cannot tell"
    assert reading(dataclasses.replace(row, p_holm=float("nan")), 0.95) == "no test"

import dataclasses
import itertools

import pytest

from tasks.comparison.compare import compared_rows
from tasks.comparison.page.document import write_page
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
        "None could: even the smallest attainable p",
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


def test_without_a_primary_endpoint_the_page_says_exploratory(tmp_path):
    job = make_job(tmp_path, recipe=ComparisonRecipe(draws=200))
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

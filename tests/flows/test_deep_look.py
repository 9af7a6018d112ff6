"""Looks at slides are kept by what they depend on, and one bad slide stops none of the others."""

import csv
import shutil

import pytest

from flows.deep_look import SlideLooks, write_report
from flows.engine.plan import Plan
from flows.open_study import open_study
from tests._support.studies import tiny_config


@pytest.fixture
def cohort(manifest, tmp_path):
    folder = tmp_path / "cohort"
    shutil.copytree(manifest.parent, folder)
    with (folder / "manifest.csv").open() as stream:
        rows = [{**row, "sha256": ""} for row in csv.DictReader(stream)]
    with (folder / "manifest.csv").open("w") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder / "manifest.csv"


@pytest.fixture
def taken(monkeypatch):
    """Look in this process, and count the slides that are looked at."""
    seen = []

    def here(work, jobs, processes):
        for key, job in jobs.items():
            seen.append(key)
            yield key, work(job), ""

    monkeypatch.setattr("flows.deep_look.isolated", here)
    return seen


def looks(cohort, tmp_path, **changes):
    return SlideLooks(Plan(open_study(tiny_config(cohort, **changes), tmp_path / "home", None)))


def test_each_slide_is_looked_at_once_and_again_when_anything_of_it_changed(cohort, tmp_path, taken):
    first = looks(cohort, tmp_path).take()
    assert len(taken) == len(first) == 6
    assert all(look.tiles > 0 and not look.problem for look in first.values())
    assert looks(cohort, tmp_path).take() == looks(cohort, tmp_path).stored() == first
    assert len(taken) == 6
    text = cohort.read_text()
    slide = next(csv.DictReader(text.splitlines()))
    (cohort.parent / slide["path"]).write_bytes(b"no slide")
    after = looks(cohort, tmp_path).take()
    assert taken[6:] == [slide["slide_id"]]
    assert "OpenSlide cannot open it" in after[slide["slide_id"]].problem
    looks(cohort, tmp_path, tile={"mpp": 1.0, "tile_px": 16, "thumbnail_px": 256}).take()
    assert len(taken) == 13


def test_a_slide_that_killed_its_process_is_named_and_tried_again(cohort, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "flows.deep_look.isolated", lambda work, jobs, processes: ((key, None, "it died") for key in jobs)
    )
    first = looks(cohort, tmp_path).take()
    assert {look.problem for look in first.values()} == {f"{slide}: it died" for slide in first}
    assert looks(cohort, tmp_path).stored() == {}


def test_the_report_has_a_line_per_slide_and_no_patient(cohort, tmp_path, taken):
    planned = Plan(open_study(tiny_config(cohort), tmp_path / "home", None))
    path = write_report(planned.study, SlideLooks(planned).take())
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [row["slide_id"] for row in rows] == [row.slide_id for row in planned.study.slides]
    assert {row["result"] for row in rows} == {"ok"}
    assert "phantom_patient" not in path.read_text()

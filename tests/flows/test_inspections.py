"""Looks at slides are kept by what they depend on, and one bad slide stops none of the others."""

import csv
import shutil

import pytest

from flows.engine.plan import Plan
from flows.inspections import Inspections, write_report
from flows.open_study import open_study
from tasks.phantoms.generate import generate_cohort
from tests._support.studies import COHORT, tiny_config


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
    """Inspect in this process, and count the slides that are inspected."""
    seen = []

    def here(work, jobs, processes):
        for key, job in jobs.items():
            seen.append(key)
            yield key, work(job), ""

    monkeypatch.setattr("flows.inspections.isolated", here)
    return seen


def inspected(cohort, tmp_path, **changes):
    return Inspections(Plan(open_study(tiny_config(cohort, **changes), tmp_path / "home", None)))


def test_each_slide_is_looked_at_once_and_again_when_anything_of_it_changed(cohort, tmp_path, taken):
    first = inspected(cohort, tmp_path).take()
    assert len(taken) == len(first) == 6
    assert all(each.tiles > 0 and not each.problem for each in first.values())
    assert inspected(cohort, tmp_path).take() == inspected(cohort, tmp_path).stored() == first
    assert len(taken) == 6
    text = cohort.read_text()
    slide = next(csv.DictReader(text.splitlines()))
    (cohort.parent / slide["path"]).write_bytes(b"no slide")
    after = inspected(cohort, tmp_path).take()
    assert taken[6:] == [slide["slide_id"]]
    assert "OpenSlide cannot open it" in after[slide["slide_id"]].problem
    inspected(cohort, tmp_path).take()
    assert taken[7:] == [slide["slide_id"]], "a problem may have gone"
    inspected(cohort, tmp_path, tile={"mpp": 1.0, "tile_px": 16, "thumbnail_px": 256}).take()
    assert len(taken) == 14


def test_a_slide_that_killed_its_process_is_named_and_tried_again(cohort, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "flows.inspections.isolated", lambda work, jobs, processes: ((key, None, "it died") for key in jobs)
    )
    first = inspected(cohort, tmp_path).take()
    assert {each.problem for each in first.values()} == {f"{slide}: it died" for slide in first}
    assert inspected(cohort, tmp_path).stored() == {}


def test_the_report_has_a_line_per_slide_and_no_patient(cohort, tmp_path, taken):
    planned = Plan(open_study(tiny_config(cohort), tmp_path / "home", None))
    path = write_report(planned.study, Inspections(planned).take())
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [row["slide_id"] for row in rows] == [row.slide_id for row in planned.study.slides]
    assert {row["result"] for row in rows} == {"ok"}
    assert "phantom_patient" not in path.read_text()


def test_at_level_slide_the_label_of_a_slide_is_no_label_of_its_tiles(tmp_path, taken):
    made = COHORT.model_copy(update={"val": (1, 1)})
    cohort = generate_cohort(tmp_path / "cohort", made, lambda done: None)
    cohort.write_text(cohort.read_text().replace("annotation", "unread"))
    train = {"arms": [{"id": "a"}], "seeds": [0]}
    of_tiles = inspected(cohort, tmp_path, train={**train, "weak_labels": True}).take()
    weak = [slide for slide, each in of_tiles.items() if "tumour" in each.labels]
    assert weak
    assert all("every tile has the label" in " ".join(of_tiles[slide].notes) for slide in weak)
    of_slides = inspected(
        cohort,
        tmp_path,
        level="slide",
        train={**train, "recipe": {"bag": {}}},
        explain={"explainers": ["attention"]},
        evaluate={"metrics": ["tile_deletion"]},
    ).take()
    assert all(of_slides[slide].labels == {"": of_slides[slide].tiles} for slide in weak)
    assert not any("every tile has the label" in " ".join(each.notes) for each in of_slides.values())

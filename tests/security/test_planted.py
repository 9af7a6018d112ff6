"""A name that stands everywhere in the inputs is found in no output, in whatever it is packed."""

import base64
import gzip
import sqlite3
import zipfile

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from flows.commands.report import ReportJob, report
from flows.commands.target import Target
from flows.engine.execute import execute
from flows.engine.outcome import TooManyFailedSlidesError
from flows.engine.request import fulfil
from flows.engine.rerun import RerunOptions
from flows.inspections import Inspections, write_report
from flows.options import out
from tasks.slides.errors import SlideError
from tasks.slides.reader import open_slide
from tests._support.leaks import leaks
from tests._support.plans import plan_of
from tests._support.planted import COLOUR, NEEDLE, patient, plant_tiles, write_aperio
from tests._support.planted_study import PlantedStudy
from tests._support.reported_studies import store_contents
from tests._support.studies import tiny_config


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return plant_tiles(tmp_path_factory.mktemp("planted"))


def test_the_search_finds_what_is_packed_in_every_way(tmp_path):
    word = "Quillfeather_1931"
    (tmp_path / "a.txt").write_bytes(word.encode("utf-16"))
    (tmp_path / "b.html").write_text(
        f"<img src='data:x;base64,{base64.b64encode(f'xx{word}'.encode()).decode()}'>"
    )
    (tmp_path / "c.gz").write_bytes(gzip.compress(word.encode()))
    with zipfile.ZipFile(tmp_path / "d.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", base64.b64encode(gzip.compress(word.encode() * 3)))
    pd.DataFrame({"n": [word] * 3}).to_parquet(tmp_path / "e.parquet")
    texts = PngInfo()
    texts.add_itxt("x", word, zip=True)
    Image.new("RGB", (2, 2)).save(tmp_path / "f.png", pnginfo=texts)
    with sqlite3.connect(tmp_path / "g.db") as base:
        base.execute("create table t (x blob)")
        base.execute("insert into t values (?)", (gzip.compress(word.encode()),))
    (tmp_path / f"{word}.txt").write_text("")
    found = {place.partition(":")[0] for place in leaks(tmp_path, NEEDLE)}
    assert found == {"a.txt", "b.html", "c.gz", "d.zip", "e.parquet", "f.png", "g.db", f"{word}.txt"}


def test_a_label_image_is_never_read(tmp_path, monkeypatch):
    import openslide

    def forbidden(_):
        raise AssertionError("associated images were asked for")

    path = write_aperio(tmp_path / "a.svs", np.full((300, 300, 3), 200, np.uint8), 0)
    with openslide.OpenSlide(path) as slide:
        label = np.asarray(slide.associated_images["label"].convert("RGB"))
    assert (abs(label.astype(int) - COLOUR).max(axis=2) < 40).mean() > 0.9, "the planted label is there"
    monkeypatch.setattr(openslide.OpenSlide, "associated_images", property(forbidden))
    with open_slide(path, None, thumbnail_px=64) as reader:
        reader.read_tiles([0.0], [0.0], 64.0, 32)
        assert reader.thumbnail is not None


def test_neither_inspection_nor_tiles_of_a_planted_cohort_name_anybody(cohort, tmp_path):
    plan = plan_of(tiny_config(cohort), tmp_path / "home")
    write_report(plan.study, Inspections(plan).take())
    execute(plan, RerunOptions(only="tile"), fulfil, {})
    assert in_outputs(tmp_path) == []


def test_slides_that_fail_name_the_slide_and_nothing_else(cohort, tmp_path, caplog):
    broken = tmp_path / "broken"
    broken.mkdir()
    text = cohort.read_text(encoding="utf-8")
    for path in sorted(cohort.parent.rglob("*.svs")):
        target = broken / path.relative_to(cohort.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes()[:400] + path.name.encode())
    for path in cohort.parent.rglob("*"):
        if path.is_file() and path.suffix != ".svs":
            target = broken / path.relative_to(cohort.parent)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    (broken / "manifest.csv").write_text(text, encoding="utf-8")
    plan = plan_of(tiny_config(broken / "manifest.csv"), tmp_path / "out" / "home")
    with pytest.raises(TooManyFailedSlidesError) as caught:
        execute(plan, RerunOptions(only="tile"), answered, {})
    told = f"{caught.value}\n{caplog.text}"
    assert "the slide file of s00" in told
    assert NEEDLE not in told.lower()
    write_report(plan.study, Inspections(plan).take())
    assert in_outputs(tmp_path / "out") == []


@pytest.mark.parametrize("salted", [True, False])
def test_a_report_of_a_planted_cohort_names_nobody(cohort, tmp_path, salted):
    home, reports = tmp_path / "home", tmp_path / "reports"
    home.mkdir()
    if salted:
        (home / "salt").write_text("pepper")
    config = tiny_config(cohort, shared_patients=[patient(0)], failures={"max_failed_slides": 0.5})
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    store_contents(plan_of(config, home), failing={"s05": f"s05: a tag names {patient(5)}"})
    if not salted:
        (home / "salt").unlink()
    for name in ("claim", "tripod-ai"):
        for kind in ("md", "docx"):
            job = ReportJob(name, None, reports / f"{name}.{kind}")
            report(Target(tmp_path / "study.yaml", home), job, out)
            assert (reports / f"{name}.{kind}").stat().st_size > 1000
    assert "s05 failed" in (reports / "claim.md").read_text("utf-8")
    assert leaks(reports, NEEDLE) == []


def answered(request):
    """Build, and return the error as runners do."""
    try:
        fulfil(request)
    except SlideError as error:
        return error
    return None


def in_outputs(folder):
    """Return where a planted text is found, but for ids of patients in the store."""
    return [
        place for place in leaks(folder, NEEDLE)
        if not ("store/" in place and "Quillfeather & O" in place and "Quillfeather_" not in place)
    ]  # fmt: skip


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["tiles", "bags", "features"])
def test_a_whole_study_names_nobody_and_shows_no_label(tmp_path, kind):
    study = PlantedStudy(tmp_path, kind)
    home = ("--home", study.out / "home")
    for words in (["validate", study.file, "--deep"], ["run", study.file], ["status", study.file, "--all"]):
        done = study.run(*words, *home)
        assert done.returncode == 0, done.stderr
    for name in ("claim.md", "tripod-ai.docx"):
        written = ("--checklist", name.partition(".")[0], "--out", study.out / name)
        assert study.run("report", study.file, *written, *home).returncode == 0
    if kind == "bags":
        exported = ["features", "export", study.file, "--format", "trident", "--out", study.out / "exported"]
        assert study.run(*exported, *home).returncode == 0
    if kind == "tiles":
        assert study.run("coordinates", study.file, study.out / "coordinates", *home).returncode == 0
    assert study.leaks() == []
    assert study.planted_pictures() == []


@pytest.mark.soak
def test_a_study_whose_slides_are_damaged_names_nobody_in_any_log(tmp_path):
    study = PlantedStudy(tmp_path, "tiles")
    for path in study.manifest.parent.rglob("*.svs"):
        path.write_bytes(path.read_bytes()[:500] + path.name.encode())
    for words in (["validate", study.file, "--deep"], ["run", study.file], ["status", study.file, "--all"]):
        study.run(*words, "--home", study.out / "home")
    assert study.leaks() == []

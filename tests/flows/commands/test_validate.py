"""What validate prints and refuses: everything that is wrong, at once, before anything runs."""

import csv
import io
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from flows.commands.target import Target
from flows.commands.validate import validate
from tasks.slides.errors import ManifestError
from tasks.study.errors import UsageError
from tests._support.slide_files import glass, noise, with_tissue, write_slide
from tests._support.studies import tiny_config

ROOT = Path(__file__).parents[3]


@pytest.fixture
def cohort(tmp_path):
    """Six slides with labels, with no size of pixels in two of them."""
    rows = ["slide_id,patient_id,path,split,label,mpp,mpp_override,mpp_override_reason,age"]
    for number, split in enumerate(("train", "train", "val", "val", "test", "test")):
        mpp = None if number in (1, 4) else 1.0
        level0 = with_tissue(glass(256, 256), (40 + number, 40, 220, 200))
        write_slide(tmp_path / f"{number}.tiff", level0, mpp=mpp)
        label = "normal" if number % 2 else "tumour"
        rows.append(
            f"slide_{number},patient_{number},{number}.tiff,{split},{label},{'' if mpp else 1.0},,,61"
        )
    (tmp_path / "m.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def edit(cohort, number, **cells):
    with (cohort / "m.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    rows[number] |= cells
    with (cohort / "m.csv").open("w") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def run(cohort, *, deep=False, **changes):
    """Return what is printed, and the error."""
    weak = {"arms": [{"id": "standard"}], "seeds": [0], "weak_labels": True}
    recipe = {"network": {"width": 0.125}, "epochs": 2, "batch": 16}
    changes = {"device": "cpu", "train": {**weak, "recipe": recipe}, **changes}
    study = tiny_config(cohort / "m.csv", **changes)
    (cohort / "s.yaml").write_text(yaml.safe_dump(study.model_dump(mode="json")))
    printed = io.StringIO()
    error = ""
    try:
        validate(Target(cohort / "s.yaml", cohort / "home"), Console(file=printed, width=140), deep=deep)
    except UsageError as refused:
        error = str(refused)
    return printed.getvalue(), error


@pytest.fixture
def here(monkeypatch):
    """Inspect slides in this process."""
    monkeypatch.setattr(
        "flows.inspections.isolated",
        lambda work, jobs, processes: ((k, work(j), "") for k, j in jobs.items()),
    )


def test_a_sound_study_is_described_and_estimated(cohort):
    printed, error = run(cohort)
    assert error == ""
    assert "tiny: 2 train slides, 2 val slides, 2 test slides" in printed
    assert (
        "(6 size in pixels); where no slide was inspected, a guess with 30% tissue; --deep inspects"
        in printed
    )
    lines = {line.split()[0]: line for line in printed.splitlines() if line}
    # 8 x 8 tiles, of which 0.3 or 20 on tissue; 200 bytes a tile and 300 kB of pictures.
    assert lines["tile"].split()[:5] == [
        "tile",
        "6",
        "1.8",
        "MB",
        "computed",
    ]
    assert lines["tile"].endswith("unknown")
    assert "hours are unknown until the first artifacts of a stage are made" in printed


def test_everything_that_is_wrong_is_told_at_once(cohort):
    edit(cohort, 1, mpp="")
    edit(cohort, 3, mpp_override="0.25", mpp_override_reason="measured")
    (cohort / "5.tiff").write_bytes(b"no slide")
    weights = cohort / "w.safetensors"
    weights.write_bytes(b"PK\x03\x04" + b"pickled" * 9)
    printed, error = run(
        cohort,
        device="cuda",
        train={
            "arms": [{"id": "standard"}],
            "seeds": [0],
            "weak_labels": True,
            "recipe": {"network": {"width": 0.125, "init": str(weights)}},
        },
    )
    assert error.startswith("the study has 4 problems:\n  device cuda is not on this machine")
    assert "network.init 'w.safetensors' is pickled" in error
    assert "slide_1: the metadata states no um/px and the manifest has no mpp" in error
    assert "slide_5: its slide file: OpenSlide cannot open it" in error
    assert "slide_3: 0.25 x 0.25 um/px by mpp_override: measured" in printed
    assert "to make" in printed, "the estimate is printed all the same"


def test_failures_that_the_study_tolerates_are_notes(cohort):
    edit(cohort, 1, mpp="")
    printed, error = run(cohort, failures={"max_failed_slides": 0.5})
    assert error == ""
    assert "tolerated by failures.max_failed_slides: slide_1: the metadata states no um/px" in printed


def test_slides_without_label_and_annotation_are_named(cohort):
    edit(cohort, 0, label="")
    printed, _ = run(cohort)
    assert "no labels: 1 slide (" in printed
    assert "weak labels: 2 slides (slide_2, slide_4) with the label of the whole slide" in printed


@pytest.mark.parametrize("label", ["Tumour", "NaN"])
def test_labels_are_held_against_the_classes(cohort, label):
    edit(cohort, 2, label=label)
    with pytest.raises(ManifestError, match=rf"row 4: label '{label}' is no class"):
        run(cohort)


def test_a_study_that_does_not_fit_is_refused(cohort, monkeypatch):
    monkeypatch.setattr("flows.estimate.estimate.free_bytes", lambda home: 1000)
    printed, error = run(cohort)
    assert error.startswith("the study has 1 problem:\n  the study needs about ")
    assert "the disk of its home has 1.0 kB free" in error
    assert "to make" in printed


def test_deep_looks_at_every_slide_and_never_stops_at_the_first(cohort, here):
    (cohort / "0.tiff").write_bytes(b"no slide")
    (cohort / "bad.geojson").write_text('{"type": "FeatureCollection"')
    (cohort / "m.csv").write_text(
        "\n".join(
            line + (",annotation" if number == 0 else ",bad.geojson" if number == 3 else ",")
            for number, line in enumerate((cohort / "m.csv").read_text().splitlines())
        )
    )
    printed, error = run(cohort, deep=True)
    assert error.startswith("the study has 2 problems:")
    assert "slide_0: its slide file" in error
    assert "its annotation is no JSON" in error
    lines = [line for line in printed.splitlines() if line.startswith("slide_") and ": ok, " in line]
    assert len(lines) == 4
    assert "4 of 6 slides are ok" in printed
    report = list(csv.DictReader((cohort / "home" / "reports" / "tiny_slides.csv").open()))
    assert [row["result"] == "ok" for row in report] == [False, True, False, True, True, True]
    assert not any(row["patient_id"] for row in report if "patient_id" in row)


def test_plain_validate_uses_what_deep_found(cohort, here):
    (cohort / "bad.geojson").write_text("[1]")
    assert run(cohort, deep=True)[1] == ""
    printed, error = run(cohort)
    assert error == ""
    assert "(6 inspected)" in printed
    assert "a guess with" not in printed


CODE = """
import sys
from flows.cli import main
sys.argv = ["veritile", *sys.argv[1:]]
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("command", ["validate", "status"])
def test_a_cohort_of_1200_slides_needs_no_more_than_1024_files(tmp_path, command):
    rows = ["slide_id,patient_id,path,split,label"]
    for number in range(1200):
        write_slide(tmp_path / f"{number}.tiff", noise(64, 64, number), mpp=1.0)
        split = "train" if number < 800 else "val" if number < 1000 else "test"
        rows.append(f"s{number},p{number},{number}.tiff,{split},normal")
    (tmp_path / "m.csv").write_text("\n".join(rows))
    study = tiny_config(tmp_path / "m.csv")
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(study.model_dump(mode="json")))
    done = subprocess.run(
        [sys.executable, "-c", CODE, command, tmp_path / "s.yaml", "--home", tmp_path / "home"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024)),
    )
    assert done.returncode == 0, done.stderr
    assert "1200 tile" in done.stdout or "tile      1200 would run" in done.stdout

"""What ``veritile validate`` says of the labels of a cohort."""

import csv
import io

import pytest
import yaml
from rich.console import Console

from flows.commands.status import validate
from flows.commands.target import Target
from tests._support.studies import tiny_config


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("", "no labels: 2 slides ("),
        ("tumour", "weak labels: 2 slides ("),
        ("normal", None),
    ],
)
def test_slides_without_labels_and_with_weak_ones_are_said(manifest, tmp_path, label, said):
    rows = list(csv.DictReader(manifest.open(encoding="utf-8")))
    changed = tmp_path / "manifest.csv"
    with changed.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        for row in rows:
            writer.writerow({**row, **({"annotation": "", "label": label} if row["split"] == "test" else {})})
    study = tmp_path / "tiny.yaml"
    study.write_text(yaml.safe_dump(tiny_config(changed).model_dump(mode="json")))
    console = Console(file=io.StringIO(), width=200)
    validate(Target(study, tmp_path / "home", manifest.parent), console)
    printed = console.file.getvalue()
    assert said in printed if said else "labels:" not in printed
    assert "2 test slides" in printed

"""Every checked-in manifest is sound; where its slides are at hand, they are what it says."""

import csv
from pathlib import Path

import pandas as pd
import pytest
import yaml

from data_manifests.idc_bags import CLASSES, draw_bags, write_bags
from flows.config import load_study
from tasks.phantoms.recipe import PhantomRecipe
from tasks.slides.manifest import load_manifest
from tests._support.real_data import real_data
from tests._support.slide_inputs import PlainInputs

FOLDER = Path(__file__).parents[1] / "data_manifests"
SHARED = {
    "camelyon16_tma": frozenset({"cam16_block_106"}),
    "camelyon16_tma_swapped": frozenset({"cam16_block_109"}),
    "her2st_spots": frozenset({"her2st_C"}),
}
SLIDES = {"camelyon16_tma_swapped": "camelyon16_tma", "her2st_spots": "her2st"}
"""Where the slides of a manifest lie, if not in a folder of its own name."""


def test_every_manifest_is_described():
    told = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"`{path.name}`" in told for path in FOLDER.glob("*.csv"))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_recipe_is_one_of_phantoms_has_its_study_and_is_described(path):
    recipe = PhantomRecipe.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert len(recipe.test) >= 5
    study = load_study(FOLDER.parent / "pipeline_configs" / path.name)
    assert Path(study.manifest).parent.name == path.stem
    assert f"`{path.name}`" in (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.real_data
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.csv")), ids=lambda p: p.stem)
def test_the_slides_are_what_the_manifest_says(path):
    slides = real_data(SLIDES.get(path.stem, path.stem))
    manifest, _ = load_manifest(path, slides, SHARED.get(path.stem, frozenset()), PlainInputs())
    assert len({row.slide_id for row in manifest.slides}) == len(manifest.slides)


def test_the_swapped_manifest_is_the_same_cohort_trained_and_tested_the_other_way_round():
    def read(name):
        with (FOLDER / name).open(newline="", encoding="utf-8") as stream:
            return {row.pop("slide_id"): row for row in csv.DictReader(stream)}

    own, swapped = read("camelyon16_tma.csv"), read("camelyon16_tma_swapped.csv")
    assert {slide: row | {"split": ""} for slide, row in own.items()} == {
        slide: row | {"split": ""} for slide, row in swapped.items()
    }
    splits = {slide.removeprefix("cam16_"): row["split"] for slide, row in swapped.items()}
    assert splits == {
        **{f"106_0{n}": "test" for n in range(1, 7)},
        **{f"109_0{n}": "train" for n in range(1, 6)},
        "109_06": "val",
    }


def idc_table(patients):
    rows = [(p, f"{p}_{i}.png", i, 0, int(i in own)) for p, own in patients.items() for i in range(4)]
    columns = ("patient_id", "file", "x", "y", "is_idc")
    return pd.DataFrame([dict(zip(columns, map(str, row), strict=True)) for row in rows])


def test_half_of_the_patients_keep_only_tiles_without_carcinoma():
    bags = draw_bags(idc_table({f"p{n}": {0, 2} for n in range(10)}), seed=1)
    of_patient = bags.tiles.groupby("patient")
    assert of_patient["slide_label"].first().value_counts().to_dict() == {"normal": 5, "carcinoma": 5}
    for _, own in of_patient:
        positive = own["slide_label"].iloc[0] == "carcinoma"
        assert len(own) == (4 if positive else 2)
        assert (own["label"] == "carcinoma").sum() == (2 if positive else 0)
    assert draw_bags(idc_table({f"p{n}": {0, 2} for n in range(10)}), seed=1).tiles.equals(bags.tiles)


def test_a_patient_without_the_tiles_that_the_bag_needs_is_left_out():
    patients = {f"none{n}": set() for n in range(6)} | {f"all{n}": {0, 1, 2, 3} for n in range(6)}
    bags = draw_bags(idc_table(patients), seed=0)
    kept = bags.tiles.groupby("patient")["slide_label"].first()
    assert all(
        label == ("normal" if patient.startswith("none") else "carcinoma") for patient, label in kept.items()
    )
    assert len(kept) + len(bags.left_out) == 12


@pytest.mark.real_data
def test_the_bags_of_the_breast_tiles_make_a_sound_manifest(tmp_path):
    written, bags = write_bags(real_data("idc_tiles"), tmp_path, seed=0)
    manifest, _ = load_manifest(written.manifest, tmp_path, frozenset(), PlainInputs(), CLASSES)
    assert len(manifest.slides) == written.slides == bags.tiles["patient"].nunique() > 200
    assert {row.label for row in manifest.slides} == set(CLASSES)

"""Every checked-in manifest is sound; where its slides are at hand, they are what it says."""

import csv
from pathlib import Path

import pytest
import yaml

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

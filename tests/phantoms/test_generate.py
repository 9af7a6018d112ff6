import hashlib

import pandas as pd
import pytest
from PIL import Image

from tasks.phantoms.generate import COLUMNS, INK_COLUMN, generate_cohort
from tasks.slides.manifest import load_manifest
from tests._support.phantoms import SMALL
from tests._support.slide_inputs import PlainInputs


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    out = tmp_path_factory.mktemp("cohort")
    steps: list[int] = []
    manifest = generate_cohort(out, SMALL, steps.append)
    assert steps == [1, 1, 1, 1]
    return manifest


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_manifest_names_what_exists(cohort):
    rows = pd.read_csv(cohort, keep_default_na=False)
    found = digests(cohort.parent)
    assert tuple(rows.columns) == COLUMNS
    assert rows["label"].tolist() == ["tumour", "normal", "tumour", "tumour"]
    assert (rows["annotation"] != "").tolist() == [True, False, True, True]
    assert [found[path] for path in rows["path"]] == rows["sha256"].tolist()
    named = {name for column in ("path", "annotation", "evidence", "decoy") for name in rows[column] if name}
    assert named | {"manifest.csv"} == set(found)


@pytest.mark.parametrize("mask", ["evidence", "decoy"])
def test_masks_have_the_size_of_level_0(cohort, mask):
    for path in (cohort.parent / mask).iterdir():
        with Image.open(path) as image:
            assert image.size == SMALL.size_px


def test_the_same_recipe_gives_the_same_bytes(cohort, tmp_path):
    generate_cohort(tmp_path, SMALL)
    assert digests(tmp_path) == digests(cohort.parent)


def test_the_confounder_adds_a_mask_of_ink_that_the_manifest_names(cohort, tmp_path):
    recipe = SMALL.model_copy(update={"confounder": True, "train": (1,)})
    rows = pd.read_csv(generate_cohort(tmp_path, recipe), keep_default_na=False)
    assert tuple(rows.columns) == (*COLUMNS, INK_COLUMN)
    assert {f"ink/{p.name}" for p in (tmp_path / "ink").iterdir()} == set(rows["artefact"])
    manifest, _ = load_manifest(tmp_path / "manifest.csv", tmp_path, frozenset(), PlainInputs())
    assert [slide.artefact for slide in manifest.slides] == rows["artefact"].tolist()
    first = "evidence/phantom_01_1.png"
    assert digests(tmp_path)[first] == digests(cohort.parent)[first]


def test_a_twin_is_the_slide_as_it_is_without_a_confounder(cohort, tmp_path):
    recipe = SMALL.model_copy(update={"confounder": True, "twins": True})
    rows = pd.read_csv(generate_cohort(tmp_path, recipe), keep_default_na=False, index_col="slide_id")
    assert rows["site"].to_dict() == {
        "phantom_01_1": "inked",
        "phantom_01_1_clean": "clean",
        "phantom_01_2": "unmarked",
        "phantom_02_1": "inked",
        "phantom_02_1_clean": "clean",
        "phantom_03_1": "",
    }
    without = pd.read_csv(cohort, index_col="slide_id")["sha256"]
    for slide in ("phantom_01_1", "phantom_02_1"):
        assert rows["sha256"][f"{slide}_clean"] == without[slide] != rows["sha256"][slide]
        assert rows["patient_id"][f"{slide}_clean"] == rows["patient_id"][slide]
    assert rows["sha256"]["phantom_01_2"] == without["phantom_01_2"]
    load_manifest(tmp_path / "manifest.csv", tmp_path, frozenset(), PlainInputs())


def test_a_scattered_twin_has_the_tissue_of_its_slide_and_no_ink_that_tells(tmp_path):
    recipe = SMALL.model_copy(update={"confounder": True, "twins": "scattered"})
    rows = pd.read_csv(generate_cohort(tmp_path, recipe), keep_default_na=False, index_col="slide_id")
    assert rows["site"].to_dict() == {
        "phantom_01_1": "inked",
        "phantom_01_1_scattered": "scattered",
        "phantom_01_2": "unmarked",
        "phantom_01_2_scattered": "scattered",
        "phantom_02_1": "inked",
        "phantom_02_1_scattered": "scattered",
        "phantom_03_1": "",
    }
    found = digests(tmp_path)
    for slide in ("phantom_01_1", "phantom_01_2", "phantom_02_1"):
        assert found[f"evidence/{slide}.png"] == found[f"evidence/{slide}_scattered.png"]
        # Also where both bear the same ink: the manifest refuses two slides of the same bytes.
        assert found[f"slides/{slide}.tiff"] != found[f"slides/{slide}_scattered.tiff"]
        assert rows["patient_id"][f"{slide}_scattered"] == rows["patient_id"][slide]
    load_manifest(tmp_path / "manifest.csv", tmp_path, frozenset(), PlainInputs())

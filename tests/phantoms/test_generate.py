import hashlib

import pandas as pd
import pytest
from PIL import Image

from tasks.artifacts.payload import sha256_of
from tasks.phantoms.generate import COLUMNS, INK_COLUMN, generate_cohort
from tasks.slides.manifest import load_manifest
from tests._support.phantoms import SMALL


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
    named = {name for column in ("path", "annotation", "evidence") for name in rows[column] if name}
    assert named | {"manifest.csv"} == set(found)


def test_evidence_has_the_size_of_level_0(cohort):
    for path in (cohort.parent / "evidence").iterdir():
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
    manifest, _ = load_manifest(tmp_path / "manifest.csv", tmp_path, frozenset(), sha256_of)
    assert [slide.artefact for slide in manifest.slides] == rows["artefact"].tolist()
    first = "evidence/phantom_01_1.png"
    assert digests(tmp_path)[first] == digests(cohort.parent)[first]


def test_slides_of_a_clean_split_are_those_without_a_confounder_and_the_rest_those_with_it(cohort, tmp_path):
    inked = SMALL.model_copy(update={"confounder": True})
    generate_cohort(tmp_path / "inked", inked)
    generate_cohort(tmp_path / "clean", inked.model_copy(update={"clean": ("train", "val")}))
    rows = pd.read_csv(cohort, keep_default_na=False)
    without, ink, clean = (digests(f) for f in (cohort.parent, tmp_path / "inked", tmp_path / "clean"))
    for path, split in zip(rows["path"], rows["split"], strict=True):
        assert clean[path] == (ink if split == "test" else without)[path]
    first = rows["path"][0]
    assert ink[first] != without[first]
    assert ink[rows["path"][3]] != without[rows["path"][3]]

"""The cohort on disk: slides that open, masks of whole tiles, and the same bytes again."""

import csv

import numpy as np
from PIL import Image

from tasks.phantoms.bags.generate import COLUMNS, generate_bags
from tasks.phantoms.bags.plan import A, B, plan_bags
from tasks.phantoms.bags.recipe import BagPhantomRecipe
from tasks.slides.manifest import load_manifest
from tests._support.slide_inputs import PlainInputs

RECIPE = BagPhantomRecipe(rule="a_not_b", train=4, val=4, test=4, columns=4, rows=5, fewest=2, most=4)


def test_masks_mark_the_tiles_that_speak_for_and_against(tmp_path):
    rows = list(csv.DictReader(generate_bags(tmp_path, RECIPE).open()))
    assert tuple(rows[0]) == COLUMNS
    for row, bag in zip(rows, plan_bags(RECIPE), strict=True):
        for name, kind in (("evidence", A), ("decoy", B)):
            if not row[name]:
                assert not (bag.kinds == kind).any()
                continue
            mask = np.asarray(Image.open(tmp_path / row[name])) > 0
            tiles = mask.reshape(7, 64, 6, 64).mean((1, 3))[1:-1, 1:-1]
            np.testing.assert_array_equal(tiles, bag.kinds == kind)
        assert row["artefact"] == ""


def test_the_manifest_is_one_of_a_cohort(tmp_path):
    manifest, _ = load_manifest(
        generate_bags(tmp_path, RECIPE), tmp_path, frozenset(), PlainInputs(), ("negative", "positive")
    )
    assert len(manifest.slides) == 12
    assert len({row.patient_id for row in manifest.slides}) == 12


def test_the_same_recipe_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        generate_bags(tmp_path / name, RECIPE)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*"))
    assert len(files) > 12
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()

"""Every checked-in manifest is sound; where its slides are at hand, they are what it says."""

from pathlib import Path

import pytest

from tasks.artifacts.payload import sha256_of
from tasks.slides.manifest import load_manifest
from tests._support.real_data import real_data

FOLDER = Path(__file__).parents[1] / "data_manifests"
SHARED = {"camelyon16_tma": frozenset({"cam16_block_106"})}


def test_every_manifest_is_described():
    told = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"`{path.name}`" in told for path in FOLDER.glob("*.csv"))


@pytest.mark.real_data
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.csv")), ids=lambda p: p.stem)
def test_the_slides_are_what_the_manifest_says(path):
    manifest, _ = load_manifest(path, real_data(path.stem), SHARED.get(path.stem, frozenset()), sha256_of)
    assert len({row.slide_id for row in manifest.slides}) == len(manifest.slides)

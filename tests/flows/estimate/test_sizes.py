"""Bytes of what nobody measured, by hand."""

import pytest

from flows.estimate.memory import LIBRARIES, memory_of
from flows.estimate.sizes import computed_size
from flows.open_study import open_study
from tasks.artifacts.key import ArtifactKey
from tests._support.studies import tiny_config


@pytest.fixture
def study(manifest, tmp_path):
    return open_study(tiny_config(manifest), tmp_path, None)


@pytest.mark.parametrize(
    ("stage", "size", "guess"),
    [
        ("tile", 300_000 + 10 * 200, False),
        ("surround", 10 * 200, False),
        ("explain", 10 * (200 + 2 * 32**2), False),
        ("predict", 10 * 200, False),
        ("train", 4 * 11.2e6 / 64, False),  # ResNet-18 of an eighth of the width
        ("draw", 10 * 1024, True),
        ("record", 10 * 1024, True),
        ("evaluate", 20_000, True),
        ("compare", 2_000_000, True),
        ("scale", 20_000, True),
    ],
)
def test_the_bytes_of_ten_tiles(study, stage, size, guess):
    assert computed_size(study, ArtifactKey(stage), 10) == (pytest.approx(size), guess)


def test_pixels_that_are_kept_count(manifest, tmp_path):
    kept = tiny_config(manifest, tile={"mpp": 1.0, "tile_px": 32, "keep": "pixels"})
    study = open_study(kept, tmp_path, None)
    assert computed_size(study, ArtifactKey("tile"), 10)[0] == 300_000 + 10 * (200 + 3 * 32**2)
    # With a halo of 8 on each side.
    assert computed_size(study, ArtifactKey("surround"), 10)[0] == 10 * (200 + 3 * 48**2)


def test_memory_of_tiling_grows_with_the_largest_slide_and_the_workers(study):
    small, large = (memory_of(study, "tile", area) for area in (0.0, 1e9))
    # 1,000 mm2 at 8 um/px are 15.6 million pixels of 16 bytes, once for each of two workers.
    assert large - small == pytest.approx(2 * 1e9 / 64 * 16)
    assert small > LIBRARIES
    assert memory_of(study, "compare", 1e9) is None


def test_full_precision_and_exports_count(manifest, tmp_path):
    explain = {
        "explainers": [{"name": "gradient"}],
        "controls": [],
        "map_dtype": "float32",
        "heatmaps": {"exports": ["geojson", "ome_tiff"]},
    }
    study = open_study(tiny_config(manifest, explain=explain), tmp_path, None)
    assert computed_size(study, ArtifactKey("explain"), 10)[0] == 10 * (200 + 4 * 32**2)
    assert computed_size(study, ArtifactKey("draw"), 10)[0] == pytest.approx(
        10 * (0.28 * 4 * 1024 + 61 + 1024)
    )
    assert computed_size(study, ArtifactKey("record"), 10)[0] == 10 * 1024

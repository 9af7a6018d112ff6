"""Simulated slides are read as what they are said to be, at every level."""

import json

import numpy as np
import openslide
import pytest

from benchmarks.cohort_slides import GLASS, SimulatedSlide, large_slide, small_slide
from tasks.slides.first_look import look

SLIDES = {
    "large": large_slide("large", 3),
    "small": small_slide("small"),
    "levels": SimulatedSlide("levels", 5000, ((1, 2),), 1024, (1, 4)),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("cohort")
    for slide in SLIDES.values():
        slide.write(place)
    return place


@pytest.mark.parametrize("name", SLIDES)
def test_a_slide_has_its_sizes_its_resolution_and_tissue_where_it_should(folder, name):
    slide = SLIDES[name]
    with openslide.OpenSlide(folder / f"{name}.tif") as found:
        assert found.dimensions == (slide.side_px, slide.side_px)
        assert found.level_downsamples == pytest.approx(slide.steps)
        assert float(found.properties["openslide.mpp-x"]) == pytest.approx(0.5)
        for level, step in enumerate(slide.steps):
            for x, y in slide.blocks:
                corner = x * slide.block_px, y * slide.block_px
                inside = np.asarray(found.read_region(corner, level, (64, 64)))[..., :3]
                assert inside.std() > 5
                beside = corner[0] - 8 * step, corner[1] - 8 * step
                glass = np.asarray(found.read_region(beside, level, (4, 4)))[..., :3].astype(int)
                assert np.abs(glass - GLASS).max() <= 2


def test_no_level_is_left_out_however_much_tissue_there_is(folder):
    """A level that showed other tissue would be, and the whole slide would be read from the finest."""
    large_slide("much", 12).write(folder)
    for name in (*SLIDES, "much"):
        assert look(folder / f"{name}.tif").levels_left_out == {}


def test_no_two_slides_are_the_same(folder):
    small_slide("other").write(folder)
    files = [folder / f"{name}.tif" for name in ("small", "other")]
    assert files[0].read_bytes() != files[1].read_bytes()
    hashes = {openslide.OpenSlide(path).properties["openslide.quickhash-1"] for path in files}
    assert len(hashes) == 2


def test_a_large_slide_is_a_small_file(folder):
    assert (folder / "large.tif").stat().st_size < 3_000_000


@pytest.mark.parametrize("name", SLIDES)
def test_the_left_half_of_each_block_is_outlined(folder, name):
    slide = SLIDES[name]
    features = json.loads((folder / f"{name}.geojson").read_text())["features"]
    assert len(features) == len(slide.blocks)
    for feature, (x, y) in zip(features, slide.blocks, strict=True):
        ring = np.array(feature["geometry"]["coordinates"][0])
        assert ring.min(0).tolist() == [x * slide.block_px, y * slide.block_px]
        assert np.ptp(ring, axis=0).tolist() == [slide.block_px / 2, slide.block_px]

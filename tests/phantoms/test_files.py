import json

import numpy as np
import openslide
import pytest
from PIL import Image
from shapely.geometry import Polygon, shape
from skimage.data import astronaut

from tasks.phantoms.files import write_mask, write_outlines, write_pyramid


@pytest.fixture(scope="module")
def picture():
    return np.ascontiguousarray(np.tile(astronaut(), (2, 2, 1))[:700, :1000])


def test_openslide_reads_the_pyramid_with_its_mpp_and_colours(picture, tmp_path):
    path = tmp_path / "slide.tiff"
    write_pyramid(path, picture, 0.35, 90)
    with openslide.OpenSlide(path) as slide:
        assert slide.properties["openslide.vendor"] == "generic-tiff"
        assert float(slide.properties["openslide.mpp-x"]) == pytest.approx(0.35, rel=1e-6)
        assert float(slide.properties["openslide.mpp-y"]) == pytest.approx(0.35, rel=1e-6)
        assert slide.level_dimensions == ((1000, 700), (500, 350), (250, 175))
        read = np.asarray(slide.read_region((0, 0), 0, (1000, 700)).convert("RGB")).astype(int)
        half = np.asarray(slide.read_region((0, 0), 1, (500, 350)).convert("RGB")).astype(int)
    assert np.abs(read - picture).mean() < 4
    plain = picture.reshape(350, 2, 500, 2, 3).mean(axis=(1, 3))
    assert np.abs(half - plain).mean() < 4


def test_the_same_slide_gives_the_same_bytes(picture, tmp_path):
    for name in "ab":
        write_pyramid(tmp_path / name, picture, 0.5, 85)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_masks_hold_0_and_255(tmp_path):
    mask = np.zeros((30, 40), dtype=bool)
    mask[3:9, 5:20] = True
    write_mask(tmp_path / "m.png", mask)
    read = np.asarray(Image.open(tmp_path / "m.png"))
    np.testing.assert_array_equal(read, mask * np.uint8(255))


def test_outlines_are_qupath_annotations(tmp_path):
    nest = Polygon([(1.234567, 2), (30, 2), (30, 40.5), (1.234567, 40.5)])
    write_outlines(tmp_path / "o.geojson", (nest, nest))
    collection = json.loads((tmp_path / "o.geojson").read_text())
    assert len({feature["id"] for feature in collection["features"]}) == 2
    for feature in collection["features"]:
        assert feature["properties"]["classification"]["name"] == "Tumor"
        assert shape(feature["geometry"]).area == pytest.approx(nest.area, rel=1e-3)

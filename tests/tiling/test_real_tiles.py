import shutil

import numpy as np
import pytest

from tasks.artifacts.tile_set import TileSet
from tasks.slides.errors import SlideError
from tasks.slides.info import read_info
from tasks.slides.row import SlideRow
from tasks.tiling.build import tile_slide
from tasks.tiling.recipe import TilingRecipe
from tests._support.on_demand import tiles_in
from tests._support.real_data import real_data

pytestmark = pytest.mark.real_data


def tiled(part, out, recipe, annotation=None, mpp=None):
    path = real_data(part)
    row = SlideRow(slide_id="a", patient_id="p", path=path.name, split="test", annotation=annotation, mpp=mpp)
    tile_slide(row, path.parent, recipe, out)
    return tiles_in(out, path.parent, row)


@pytest.mark.parametrize("name", ["cam16_106_02", "cam16_106_06", "cam16_109_01", "cam16_109_05"])
def test_each_field_of_a_microarray_is_a_section_of_its_own(tmp_path, name):
    root = real_data("camelyon16_tma")
    row = SlideRow(
        slide_id=name, patient_id="p", path=f"slides/{name}.tiff", split="test",
        annotation=f"annotations/{name}.geojson",
    )  # fmt: skip
    tile_slide(row, root, TilingRecipe(mpp=0.972), tmp_path)
    tiles = TileSet(tmp_path)
    fields = 4 if name == "cam16_106_06" else 5
    info = read_info(tmp_path)
    assert len(info.sections) == fields
    assert 40 * fields < len(tiles.table) <= 64 * fields
    middles = tiles.table.groupby("section")[["x_level0", "y_level0"]].mean() + 32
    for section, (x, y) in enumerate(middles.to_numpy()):
        assert abs(x - (96 + 256 + 608 * (section % 3))) < 64
        assert abs(y - (96 + 256 + 608 * (section // 3))) < 64
    assert {"normal", "tumour", "mixed"} == set(tiles.table.label)
    assert info.geometry.mpp_source == "metadata"


def test_a_whole_section_that_is_mostly_glass_gives_tissue_tiles(tmp_path):
    tiles = tiled("her2st/slides/HER2ST_C2.tiff", tmp_path, TilingRecipe(mpp=0.972, tile_px=128))
    assert 350 < len(tiles.table) < 700
    spread = tiles.pixels[:].reshape(len(tiles.table), -1).std(axis=1)
    assert (spread > 10).mean() > 0.99


def test_the_aperio_region_gives_tiles(tmp_path):
    tiles = tiled("formats/CMU-1-Small-Region.svs", tmp_path, TilingRecipe(mpp=0.499, tile_px=128))
    assert len(tiles.table) > 100
    assert (tiles.table.extent_level0 == 128).all()


def test_the_dicom_slide_gives_tiles_at_its_own_resolution(tmp_path):
    part = "formats/dicom_camelyon/multiframe_camelyon_challenge_image.dcm"
    tiles = tiled(part, tmp_path, TilingRecipe(mpp=29, tile_px=16, section_gap_um=500))
    assert len(tiles.table) > 300


def test_fluorescence_is_refused_as_no_h_and_e(tmp_path):
    with pytest.raises(SlideError, match="a: this is not H&E, most of the slide is dark as in fluorescence"):
        tiled("formats/hamamatsu_fluorescence.ndpi", tmp_path, TilingRecipe(mpp=0.5))


def test_of_the_corrupt_slide_the_two_squares_fail_and_the_rest_is_good(tmp_path):
    recipe = TilingRecipe(mpp=0.499, tile_px=240, min_tissue=0)
    corrupt = tiled("hard/corrupt_middle.svs", tmp_path, recipe)
    (tmp_path / "good").mkdir()
    good = tiled("formats/CMU-1-Small-Region.svs", tmp_path / "good", recipe)
    failed = np.flatnonzero(corrupt.table.state == "failed")
    assert len(failed) == 2
    assert corrupt.table.reason[failed].str.contains("cannot be read: ").all()
    assert (corrupt.table.tile_id == good.table.tile_id).all()
    rest = corrupt.usable
    assert np.mean([np.array_equal(corrupt.pixels[i], good.pixels[i]) for i in rest]) > 0.98


def test_of_the_corrupt_slide_too_much_is_lost_where_little_is_allowed(tmp_path):
    with pytest.raises(
        SlideError, match=r"tiles that cannot be read, 1.0% are allowed; one of them: corrupt_middle.svs"
    ):
        tiled(
            "hard/corrupt_middle.svs", tmp_path, TilingRecipe(mpp=0.499, tile_px=240, max_failed_tiles=0.01)
        )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tiny_16px.svs", "no tissue found"),
        ("unreadable.svs", "no part of the slide can be read: unreadable.svs"),
        ("truncated.svs", "OpenSlide cannot open it"),
        ("bogus_mpp_352.tiff", "352.778"),
    ],
)
def test_other_hard_slides_fail_with_a_sentence(tmp_path, name, words):
    real_data("hard")
    with pytest.raises(SlideError, match=words):
        tiled(f"hard/{name}", tmp_path, TilingRecipe(mpp=0.499))


def test_the_absurd_resolution_is_mended_by_the_manifest(tmp_path):
    recipe = TilingRecipe(mpp=1.0, tile_px=16, min_tissue=0.1, min_speck_um=0)
    tiles = tiled("hard/bogus_mpp_352.tiff", tmp_path, recipe, mpp=1.0)
    assert len(tiles.table) > 0
    assert read_info(tmp_path).geometry.mpp_source == "manifest"


def test_a_tiny_slide_under_an_odd_name_gives_a_sentence(tmp_path):
    shutil.copyfile(real_data("hard/tiny_16px.svs"), tmp_path / "größe 16 px.svs")
    row = SlideRow(slide_id="a", patient_id="p", path="größe 16 px.svs", split="train")
    with pytest.raises(SlideError, match="a: no tissue found"):
        tile_slide(row, tmp_path, TilingRecipe(mpp=0.499, tile_px=16, min_speck_um=0), tmp_path)

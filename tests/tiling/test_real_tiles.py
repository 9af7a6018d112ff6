import hashlib
import shutil

import numpy as np
import pytest

from tasks.artifacts.tile_set import TileSet
from tasks.slides.errors import SlideError
from tasks.slides.info import read_info
from tasks.slides.reader import open_slide
from tasks.slides.row import SlideRow
from tasks.tiling.build import tile_slide
from tasks.tiling.layout import lay_out
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


FROZEN = {
    "camelyon16_tma/slides/cam16_106_01.tiff": (0.972, 64, 290, "a0b91f7230a5f469", "1c835451d26427bc"),
    "camelyon16_tma/slides/cam16_106_02.tiff": (0.972, 64, 306, "3da4fca56353cdb8", "b255829ed1632d2f"),
    "camelyon16_tma/slides/cam16_106_03.tiff": (0.972, 64, 314, "eed55d08608be442", "96a6799fe2765120"),
    "camelyon16_tma/slides/cam16_106_04.tiff": (0.972, 64, 289, "73430e3c9486d408", "d75ac4a1df0041a6"),
    "camelyon16_tma/slides/cam16_106_05.tiff": (0.972, 64, 298, "64c5c075d61f0e45", "a96bd4de0c5f2d5a"),
    "camelyon16_tma/slides/cam16_106_06.tiff": (0.972, 64, 231, "07633e55a8e6651d", "74547c6501d527fb"),
    "camelyon16_tma/slides/cam16_109_01.tiff": (0.972, 64, 292, "c4e3eb6224047e06", "522408b688a3dcf1"),
    "camelyon16_tma/slides/cam16_109_02.tiff": (0.972, 64, 288, "cb9945fc4c9af3c6", "4f7b7a3a11c99500"),
    "camelyon16_tma/slides/cam16_109_03.tiff": (0.972, 64, 305, "7cb23ca9d6cd9cae", "9f251376789b4b28"),
    "camelyon16_tma/slides/cam16_109_04.tiff": (0.972, 64, 305, "af66f7f2233a699b", "144b4673d87d97de"),
    "camelyon16_tma/slides/cam16_109_05.tiff": (0.972, 64, 293, "2b9e76ce7ba46ab3", "8983617224d8c0d6"),
    "camelyon16_tma/slides/cam16_109_06.tiff": (0.972, 64, 301, "e84264d403474963", "dbe525004d0e1004"),
    "her2st/slides/HER2ST_B4.tiff": (1.0, 128, 400, "05d5412e7d09ae91", "9a75ae295844a3bd"),
    "her2st/slides/HER2ST_C2.tiff": (1.0, 128, 432, "cca180c577ea6f3b", "267b92b08ad0de10"),
    "her2st/slides/HER2ST_C3.tiff": (1.0, 128, 435, "0e87b13e7d90afc9", "6f04c2742e85adfa"),
    "her2st/slides/HER2ST_C4.tiff": (1.0, 128, 451, "89d897c591303663", "8e52fde4205e0fd5"),
}
"""Slides on which the first rule was right: mpp, tile_px, tiles, digests of positions and of the tissue."""


@pytest.mark.parametrize("part", FROZEN)
def test_slides_without_faults_keep_their_tiles(part):
    mpp, tile_px, count, positions, mask = FROZEN[part]
    with open_slide(real_data(part), None) as slide:
        layout = lay_out(slide, TilingRecipe(mpp=mpp, tile_px=tile_px), "a")
    corners = zip(
        np.rint(layout.positions.x).astype(int), np.rint(layout.positions.y).astype(int), strict=True
    )
    assert layout.tissue.notes.rule == "saturation"
    assert len(layout.positions) == count
    assert digest("\n".join(f"{x}_{y}" for x, y in corners).encode()) == positions
    assert digest(np.packbits(layout.tissue.mask).tobytes()) == mask
    assert layout.tissue.notes.warnings == ()


def digest(content):
    return hashlib.sha256(content).hexdigest()[:16]

"""What surrounds a tile comes from its slide, and the tile in it is the stored one."""

import numpy as np
import pytest

from tasks.artifacts.payload import content_digest, list_payload
from tasks.artifacts.tile_set import PIXELS
from tasks.slides.errors import SlideError
from tasks.slides.row import SlideRow
from tasks.tiling.build import tile_slide
from tasks.tiling.on_demand import OPEN_SLIDES
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.surround import HaloJob, surround_tiles
from tests._support.on_demand import surrounded_in, tiles_in
from tests._support.real_data import real_data
from tests._support.slide_files import GLASS, break_tile, glass, noise, with_tissue, write_slide

WIDTH, HEIGHT, TILE, HALO = 704, 512, 64, 24
ROW = SlideRow(slide_id="a", patient_id="p", path="a.tiff", split="test", label="tumour")
RECIPE = TilingRecipe(mpp=1.0, tile_px=TILE, section_gap_um=0)


def draw(folder, **changes):
    """Write a slide whose tissue reaches the left and upper edge, and return its pixels."""
    level0 = with_tissue(glass(WIDTH, HEIGHT), (0, 0, 512, 384))
    level0[:384, :512] = np.clip(level0[:384, :512].astype(int) + noise(512, 384) % 41 - 20, 0, 255)
    write_slide(folder / "a.tiff", level0, mpp=1.0, **changes)
    return level0


def surrounded(folder, root, row=ROW, recipe=RECIPE, halo_px=HALO, most=None):
    """Tile a slide and read its surroundings; return both and the measures."""
    tiles, out = folder / "tiles", folder / "around"
    if not tiles.is_dir():
        tiles.mkdir(parents=True)
        tile_slide(row, root, recipe, tiles)
    out.mkdir()
    cut = tiles_in(tiles, root, row)
    measures = surround_tiles(row, root, cut, HaloJob(halo_px, most, recipe), out)
    return cut, surrounded_in(out, root, row), measures


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slide")
    level0 = draw(folder)
    return level0, *surrounded(folder, folder)


def inner(pixels, halo_px=HALO):
    return pixels[:][:, halo_px:-halo_px, halo_px:-halo_px]


def test_the_middle_is_the_stored_tile_bit_for_bit(read):
    _, tiles, around, measures = read
    assert around.halo_px == HALO
    assert around.index["tile_id"].tolist() == tiles.table["tile_id"].tolist()
    assert (inner(around.pixels) == tiles.pixels[:]).all()
    assert measures["middle_difference"] == 0
    assert measures["tiles"] == len(tiles.table) == 48


def test_around_it_are_the_pixels_of_the_slide_and_beyond_its_edge_the_colour_of_its_glass(read):
    level0, tiles, around, _ = read
    padded = np.full((HEIGHT + 2 * HALO, WIDTH + 2 * HALO, 3), GLASS, dtype=np.uint8)
    padded[HALO:-HALO, HALO:-HALO] = level0
    for square, (x, y) in zip(
        around.pixels, tiles.table[["x_level0", "y_level0"]].to_numpy(int), strict=True
    ):
        assert (square == padded[y : y + TILE + 2 * HALO, x : x + TILE + 2 * HALO]).all()
    assert not around.index["filled"].any()
    assert GLASS != (255, 255, 255), "the test would not tell glass from white"


def test_the_same_slide_gives_the_same_bytes_and_a_sample_the_same_squares(read, tmp_path):
    _, _, around, _ = read
    draw(tmp_path)
    _, again, _ = surrounded(tmp_path / "x", tmp_path)
    assert content_digest(list_payload(again.folder)) == content_digest(list_payload(around.folder))
    _, few, measures = surrounded(tmp_path / "y", tmp_path, most=10)
    names = around.index["tile_id"].tolist()
    places = [names.index(name) for name in few.index["tile_id"]]
    assert measures["tiles"] == len(places) == 10
    assert (few.pixels[:] == around.pixels[places]).all()


def test_resampled_tiles_are_met_to_a_rounding_and_kept_as_stored(tmp_path):
    draw(tmp_path)
    recipe = RECIPE.model_copy(update={"mpp": 1.37, "tile_px": 32})
    tiles, around, measures = surrounded(tmp_path, tmp_path, recipe=recipe, halo_px=10)
    assert (inner(around.pixels, 10) == tiles.pixels[:]).all()
    assert measures["middle_difference"] <= 1


def test_where_the_surroundings_cannot_be_read_they_are_filled_and_counted(tmp_path):
    draw(tmp_path)
    break_tile(tmp_path / "a.tiff", 2)  # x from 256 to 384, y from 0 to 128
    recipe = RECIPE.model_copy(update={"max_failed_tiles": 0.5})
    tiles, around, measures = surrounded(tmp_path, tmp_path, recipe=recipe)
    place = around.index["tile_id"].tolist().index("a/192_0")
    filled = np.flatnonzero(around.index["filled"])
    assert place in filled
    assert (
        len(filled) == measures["filled_tiles"] == 2 + 2 + 4
    )  # to the left, to the right, below with corners
    assert (inner(around.pixels) == tiles.pixels[tiles.usable]).all()
    ring = around.pixels[place].copy()
    ring[HALO:-HALO, HALO:-HALO] = GLASS
    assert (np.abs(ring.astype(int) - GLASS) <= 1).all()


def test_tiles_of_another_slide_are_refused(tmp_path):
    draw(tmp_path)
    tiles = tmp_path / "tiles"
    tiles.mkdir()
    tile_slide(ROW, tmp_path, RECIPE.model_copy(update={"keep": "pixels"}), tiles)
    pixels = np.load(tiles / PIXELS)
    pixels[20, 5, 5] ^= 64
    np.save(tiles / PIXELS, pixels)
    with pytest.raises(
        SlideError, match=r"tile a/\d+_\d+: the slide gives other pixels .* by up to 64 of 255"
    ):
        surrounded(tmp_path, tmp_path)


@pytest.mark.parametrize(("mpp", "broken"), [(1.0, False), (1.37, False), (1.0, True)])
def test_kept_and_read_on_demand_they_are_the_same(tmp_path, mpp, broken):
    draw(tmp_path)
    if broken:
        break_tile(tmp_path / "a.tiff", 2)
    recipe = RECIPE.model_copy(update={"mpp": mpp, "tile_px": 32, "max_failed_tiles": 0.5})
    _, around, _ = surrounded(tmp_path / "x", tmp_path, recipe=recipe, halo_px=10)
    keeping = recipe.model_copy(update={"keep": "pixels"})
    _, kept, _ = surrounded(tmp_path / "y", tmp_path, recipe=keeping, halo_px=10)
    assert around.index.equals(kept.index)
    assert isinstance(kept.pixels, np.ndarray)
    assert not isinstance(around.pixels, np.ndarray)
    assert (around.pixels[:] == kept.pixels).all()
    rows = [7, 0, 3]
    assert (around.pixels[rows] == kept.pixels[rows]).all()


def test_a_slide_that_changed_after_its_surroundings_were_read_is_noticed(tmp_path):
    level0 = draw(tmp_path, compression=None)
    _, around, _ = surrounded(tmp_path, tmp_path)
    level0[100, 100] ^= 8
    write_slide(tmp_path / "a.tiff", level0, mpp=1.0, compression=None)
    OPEN_SLIDES.close()
    with pytest.raises(SlideError, match=r"a.tiff: [1-9] of 48 tiles have other pixels .* tile it again"):
        around.pixels[:]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("part", "recipe", "most"),
    [
        ("camelyon16_tma/slides/cam16_109_01.tiff", TilingRecipe(mpp=0.972), 0),
        ("formats/CMU-1-Small-Region.svs", TilingRecipe(mpp=0.499), 0),
        ("formats/CMU-1-Small-Region.svs", TilingRecipe(mpp=0.8), 1),
        ("her2st/slides/HER2ST_C2.tiff", TilingRecipe(mpp=0.972, tile_px=128), 1),
    ],
)
def test_tiles_of_real_slides_are_met(tmp_path, part, recipe, most):
    path = real_data(part)
    row = ROW.model_copy(update={"path": path.name})
    tiles, around, measures = surrounded(tmp_path, path.parent, row, recipe, 16, 60)
    assert measures["middle_difference"] <= most
    assert measures["filled_tiles"] == 0
    assert len(around.index) == 60
    rows = tiles.table.set_index("tile_id").index.get_indexer(around.index["tile_id"])
    assert (inner(around.pixels, 16) == tiles.pixels[rows]).all()

import numpy as np
import pytest

from tasks.artifacts.tile_set import TileSet
from tasks.slides.coordinates import read_coordinates
from tasks.slides.info import read_info
from tasks.slides.reader import open_slide
from tasks.tiling.build import tile_slide
from tasks.tiling.positions import export_coordinates, stated_positions
from tasks.tiling.recipe import TilingRecipe
from tests._support.tiled_slides import write_cohort

RECIPE = TilingRecipe(mpp=2.0, tile_px=32, stride_px=24)


@pytest.fixture
def tiles(tmp_path):
    row = write_cohort(tmp_path)
    (tmp_path / "out").mkdir()
    tile_slide(row, tmp_path, RECIPE, tmp_path / "out")
    return TileSet(tmp_path / "out")


@pytest.mark.parametrize("layout", ["clam", "trident"])
def test_the_tiles_of_a_slide_come_back_from_their_file(tmp_path, tiles, layout):
    count = export_coordinates(tiles, tmp_path / "a.h5", layout)
    assert count == len(tiles.table) > 20
    with open_slide(tmp_path / "a.tiff", None) as slide:
        found = stated_positions(tmp_path / "a.h5", slide.geometry, RECIPE, "a")
    np.testing.assert_array_equal(found.x, tiles.table.x_level0)
    np.testing.assert_array_equal(found.y, tiles.table.y_level0)
    assert found.extent == 64


def test_a_slide_tiled_at_stated_positions_has_the_same_tiles(tmp_path, tiles):
    export_coordinates(tiles, tmp_path / "a.h5")
    row = write_cohort(tmp_path).model_copy(update={"coordinates": "a.h5"})
    (tmp_path / "again").mkdir()
    tile_slide(row, tmp_path, RECIPE, tmp_path / "again")
    again = TileSet(tmp_path / "again")
    assert again.table.equals(tiles.table)
    assert read_info(again.folder) == read_info(tiles.folder)


def test_tiles_that_could_not_be_read_are_left_out(tmp_path, tiles):
    table = tiles.table.copy()
    table.loc[[0, 2], "state"] = "failed"
    table.to_parquet(tiles.folder / "tiles.parquet", index=False)
    export_coordinates(TileSet(tiles.folder), tmp_path / "a.h5")
    found = read_coordinates(tmp_path / "a.h5", read_info(tiles.folder).geometry)
    assert len(found.x) == len(table) - 2

"""A feature file has places of tiles and nothing to show, although its tiles are usable and it opens."""

import pytest

from tasks.artifacts.tile_set import TileSet
from tasks.reporting.maps.tile_pixels import has_pixels, is_bare, placed_tiles
from tasks.slides.row import SlideRow
from tasks.tiling.build import tile_slide
from tasks.tiling.recipe import TilingRecipe
from tests._support.foreign_features import CORNERS, write_features_of
from tests._support.on_demand import tiles_in
from tests._support.slide_files import glass, with_tissue, write_slide

RECIPE = TilingRecipe(mpp=0.5, tile_px=256)


def tiled(root, row, recipe=RECIPE):
    (root / "tiles").mkdir()
    tile_slide(row, root, recipe, root / "tiles")
    return tiles_in(root / "tiles", root, row)


@pytest.mark.parametrize("producer", ["trident", "stamp"])
def test_tiles_of_a_feature_file_are_usable_and_have_no_pixels(tmp_path, producer):
    tiles = tiled(tmp_path, write_features_of(tmp_path, producer))
    assert tiles.source is not None
    assert placed_tiles(tiles) == len(tiles.usable) == len(CORNERS)
    assert is_bare(tiles)
    assert not has_pixels(tiles)


def test_tiles_of_a_slide_have_pixels_where_they_are_kept_or_can_be_read(tmp_path):
    write_slide(tmp_path / "a.tiff", with_tissue(glass(1024, 768), (200, 200, 700, 600)))
    row = SlideRow(slide_id="a", patient_id="p", path="a.tiff", split="train")
    tiles = tiled(tmp_path, row, TilingRecipe(mpp=0.5, tile_px=64))
    assert has_pixels(tiles)
    closed = TileSet(tiles.folder)
    assert not is_bare(closed)
    assert has_pixels(closed) == closed.keeps_pixels

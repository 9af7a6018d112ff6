import numpy as np
from PIL import Image

from tasks.tiling.build import tile_slide
from tasks.tiling.recipe import TilingRecipe
from tests._support.on_demand import tiles_in
from tests._support.tiled_slides import write_cohort


def test_a_picture_of_classes_is_kept_and_gives_the_masks_of_tiles(tmp_path):
    """A picture of a quarter of the slide's size: each of its pixels is 4 x 4 pixels of a tile."""
    values = np.random.default_rng(0).integers(0, 3, (240, 320), dtype=np.uint8)
    row = write_cohort(tmp_path).model_copy(update={"annotation": "m.png"})
    Image.fromarray(values).save(tmp_path / "m.png")
    recipe = TilingRecipe(
        mpp=1.0,
        classes=("normal", "tumour", "necrosis"),
        mask_classes={"0": "normal", "1": "necrosis", "2": "tumour"},
    )
    out = tmp_path / "out"
    out.mkdir()
    tile_slide(row, tmp_path, recipe, out)
    assert not (out / "outlines.parquet").exists()
    tiles = tiles_in(out, tmp_path, row)
    classes = np.kron(np.array([0, 2, 1], np.uint8)[values], np.ones((4, 4), np.uint8))
    for i, tile in enumerate(tiles.table.itertuples()):
        x, y = int(tile.x_level0), int(tile.y_level0)
        true = classes[y : y + 64, x : x + 64]
        np.testing.assert_array_equal(tiles.annotation_mask[i], true)
        np.testing.assert_allclose(
            [tile.coverage_tumour, tile.coverage_necrosis], [(true == 1).mean(), (true == 2).mean()]
        )

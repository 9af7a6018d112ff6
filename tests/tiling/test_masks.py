import numpy as np
import pytest
import shapely
from PIL import Image
from skimage.draw import polygon2mask

from tasks.slides.errors import SlideError
from tasks.slides.outline import Outline
from tasks.tiling.areas import class_areas, tile_boxes
from tasks.tiling.grid import TilePositions
from tasks.tiling.masks import annotation_masks, load_mark, sample_mask
from tasks.tiling.recipe import TilingRecipe
from tests._support.geometries import geometry_of

TWO = TilingRecipe(mpp=1)


def positions(*corners, extent):
    x, y = np.array(corners, dtype=float).T
    index = np.arange(len(corners))
    return TilePositions(index, index, x, y, extent)


def annotated(outlines, corners, extent, tile_px, recipe=TWO):
    areas = class_areas(outlines, recipe, "a")
    x, y = np.array(corners, dtype=float).T
    boxes = tile_boxes(x, y, extent)
    covered = np.stack([area.coverage(boxes) for area in areas], axis=1)
    return list(annotation_masks(areas, covered, boxes, tile_px))


def test_a_tile_pixel_has_the_value_at_its_centre():
    mask = np.random.default_rng(0).random((30, 40)) < 0.5
    (same,) = sample_mask(mask, (4.0, 4.0), positions((8, 12), extent=32.0), 8)
    np.testing.assert_array_equal(same, mask[3:11, 2:10])
    (finer,) = sample_mask(mask, (4.0, 4.0), positions((8, 12), extent=32.0), 16)
    np.testing.assert_array_equal(finer, np.kron(mask[3:11, 2:10], np.ones((2, 2))))


def test_beyond_the_slide_nothing_is_set():
    (tile,) = sample_mask(np.ones((4, 4), dtype=bool), (1.0, 1.0), positions((-2, 2), extent=4.0), 4)
    np.testing.assert_array_equal(tile, [[0, 0, 1, 1]] * 2 + [[0] * 4] * 2)


def test_outlines_are_drawn_by_the_centres_of_pixels():
    triangle = Outline("Tumor", shapely.Polygon([(3.3, 2.1), (60.2, 9.9), (21.7, 55.5)]))
    (found,) = annotated([triangle], [(0, 0)], 64.0, 64)
    corners = np.array(triangle.polygon.exterior.coords)[:, ::-1] - 0.5
    np.testing.assert_array_equal(found, polygon2mask((64, 64), corners))


def test_whole_and_empty_tiles_and_class_indices():
    recipe = TilingRecipe(mpp=1, classes=("normal", "tumour", "necrosis"))
    outlines = [Outline("tumour", shapely.box(0, 0, 20, 10)), Outline("necrosis", shapely.box(15, 0, 20, 10))]
    first, second, third = annotated(outlines, [(0, 0), (10, 0), (20, 0)], 10.0, 10, recipe)
    assert (first == 1).all()
    assert (second[:, :5] == 1).all()
    assert (second[:, 5:] == 2).all()
    assert (third == 0).all()


def test_the_mask_and_the_coverage_agree():
    circle = Outline("Tumor", shapely.Point(50, 50).buffer(37))
    corners = [(x, y) for x in (0, 50) for y in (0, 50)]
    masks = annotated([circle], corners, 50.0, 200)
    assert np.mean([mask.mean() for mask in masks]) == pytest.approx(circle.polygon.area / 1e4, rel=1e-3)


@pytest.mark.parametrize("mode", ["L", "1", "RGB", "RGBA", "LA", "P"])
def test_a_mark_is_whatever_is_not_zero(tmp_path, mode):
    drawn = np.zeros((30, 40), dtype=np.uint8)
    drawn[5:10, 20:30] = 255
    Image.fromarray(drawn).convert(mode).save(tmp_path / "e.png")
    mask, scale = load_mark(tmp_path / "e.png", geometry_of(400, 300))
    np.testing.assert_array_equal(mask, drawn > 0)
    assert scale == (10.0, 10.0)


def test_a_faint_mark_counts_too(tmp_path):
    drawn = np.zeros((30, 40, 3), dtype=np.uint8)
    drawn[5, 6, 2] = 1
    Image.fromarray(drawn).save(tmp_path / "e.png")
    mask, _ = load_mark(tmp_path / "e.png", geometry_of(400, 300))
    assert np.argwhere(mask).tolist() == [[5, 6]]


def test_marks_that_do_not_cover_the_slide_are_refused(tmp_path):
    Image.new("L", (40, 40)).save(tmp_path / "e.png")
    with pytest.raises(SlideError, match=r"e.png: 40 x 40 px do not cover a slide of 400 x 300 px"):
        load_mark(tmp_path / "e.png", geometry_of(400, 300))
    (tmp_path / "f.png").write_text("no")
    with pytest.raises(SlideError, match=r"f.png is no image") as caught:
        load_mark(tmp_path / "f.png", geometry_of(400, 300))
    assert str(tmp_path) not in str(caught.value)

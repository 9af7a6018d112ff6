import numpy as np
import pytest
import shapely

from tasks.slides.errors import SlideError
from tasks.slides.outline import Outline
from tasks.tiling.areas import class_areas, tile_boxes
from tasks.tiling.recipe import TilingRecipe

TWO = TilingRecipe(mpp=1)
THREE = TilingRecipe(mpp=1, classes=("normal", "tumour", "necrosis"), outline_classes={"Tumor": "tumour"})


def coverage(outlines, tiles, recipe=TWO):
    areas = class_areas(outlines, recipe, "slide a")
    x, y = np.array(tiles, dtype=float).T
    return np.stack([area.coverage(tile_boxes(x, y, 10.0)) for area in areas], axis=1)


def test_known_shares_of_polygons():
    triangle = Outline("Tumor", shapely.Polygon([(0, 0), (20, 0), (0, 20)]))
    found = coverage([triangle], [(0, 0), (10, 0), (0, 10), (10, 10), (5, 5), (-5, -5)])
    np.testing.assert_allclose(found[:, 0], [1, 0.5, 0.5, 0, 0.5, 0.25], atol=1e-12)


def test_a_hole_is_not_covered():
    ring = Outline("Tumor", shapely.box(0, 0, 30, 30).difference(shapely.box(12, 12, 17, 18)))
    found = coverage([ring], [(0, 0), (10, 10), (20, 20), (25, 25)])
    np.testing.assert_allclose(found[:, 0], [1, 0.7, 1, 0.25])


def test_a_circle_covers_what_its_polygon_covers():
    circle = shapely.Point(33.3, 27.1).buffer(21.7)
    tiles = [(x, y) for x in range(0, 60, 10) for y in range(0, 60, 10)]
    found = coverage([Outline("Tumor", circle)], tiles)
    assert found.sum() * 100 == pytest.approx(circle.area)


def test_outlines_that_overlap_count_once_and_several_small_ones_add_up():
    boxes = [shapely.box(0, 0, 6, 10), shapely.box(4, 0, 8, 10), shapely.box(9, 0, 10, 5)]
    assert coverage([Outline("Tumor", box) for box in boxes], [(0, 0)]) == pytest.approx(0.85)


def test_of_two_classes_the_later_has_the_ground():
    outlines = [Outline("necrosis", shapely.box(0, 0, 3, 10)), Outline("Tumor", shapely.box(0, 0, 8, 10))]
    np.testing.assert_allclose(coverage(outlines, [(0, 0)], THREE), [[0.5, 0.3]])


def test_an_outline_of_the_first_class_cuts_its_ground_out():
    outlines = [Outline("Tumor", shapely.box(0, 0, 10, 10)), Outline("normal", shapely.box(0, 0, 4, 10))]
    assert coverage(outlines, [(0, 0)]) == pytest.approx(0.6)


def test_without_outlines_nothing_is_covered():
    assert coverage([], [(0, 0), (5, 5)]).tolist() == [[0], [0]]


def test_the_part_within_a_tile_is_cut_out():
    (area,) = class_areas([Outline("Tumor", shapely.box(5, 5, 100, 100))], TWO, "slide a")
    assert area.within(shapely.box(0, 0, 10, 10)).equals(shapely.box(5, 5, 10, 10))
    assert area.within(shapely.box(200, 0, 210, 10)).is_empty


def test_a_name_that_is_no_class_is_refused():
    with pytest.raises(SlideError, match="slide a: 'Stroma' \\(1\\) is no class"):
        class_areas([Outline("Stroma", shapely.box(0, 0, 1, 1))], TWO, "slide a")

"""Outlined areas: kept as polygons, and the class at each pixel of a tile."""

import numpy as np
import pytest
import shapely
from skimage.draw import polygon2mask

from tasks.artifacts.outlined import OutlinedMask, areas_by_class, read_outlined
from tasks.artifacts.slide_picture import Squares


def drawn(parts, corners, extent, tile_px):
    x, y = np.array(corners, dtype=float).T
    areas = areas_by_class([(index, np.array(own, dtype=object)) for index, own in parts])
    return OutlinedMask(Squares(x, y, extent, tile_px), areas)


def test_outlines_are_drawn_by_the_centres_of_pixels():
    triangle = shapely.Polygon([(3.3, 2.1), (60.2, 9.9), (21.7, 55.5)])
    found = drawn([(1, [triangle])], [(0, 0)], 64.0, 64)[0]
    corners = np.array(triangle.exterior.coords)[:, ::-1] - 0.5
    np.testing.assert_array_equal(found, polygon2mask((64, 64), corners))


def test_whole_and_empty_tiles_and_class_indices():
    parts = [(1, [shapely.box(0, 0, 15, 10)]), (2, [shapely.box(15, 0, 20, 10)])]
    first, second, third = drawn(parts, [(0, 0), (10, 0), (20, 0)], 10.0, 10)[:]
    assert (first == 1).all()
    assert (second[:, :5] == 1).all()
    assert (second[:, 5:] == 2).all()
    assert (third == 0).all()


def test_a_tile_that_two_neighbours_fill_together_is_filled():
    parts = [(1, [shapely.box(0, 0, 5, 10), shapely.box(5, 0, 10, 10)])]
    assert (drawn(parts, [(0, 0)], 10.0, 10)[0] == 1).all()


def test_the_mask_and_the_area_agree():
    circle = shapely.Point(50, 50).buffer(37)
    masks = drawn([(1, [circle])], [(x, y) for x in (0, 50) for y in (0, 50)], 50.0, 200)
    assert masks[:].mean() == pytest.approx(circle.area / 1e4, rel=1e-3)
    assert (masks.shape, masks.dtype, len(masks)) == ((4, 200, 200), np.uint8, 4)
    np.testing.assert_array_equal(masks[[2, 0]], masks[:][[2, 0]])


def test_no_outline_is_an_empty_mask_and_a_hole_is_left_out(tmp_path):
    areas = areas_by_class([])
    areas.write(tmp_path / "o.parquet")
    empty = OutlinedMask(Squares(np.zeros(2), np.zeros(2), 8.0, 8), read_outlined(tmp_path / "o.parquet"))
    assert not empty[:].any()
    ring = shapely.box(0, 0, 8, 8).difference(shapely.box(2, 2, 6, 6))
    assert drawn([(3, [ring])], [(0, 0)], 8.0, 8)[0].sum() == 3 * (64 - 16)


def test_polygons_are_read_back_exactly(tmp_path):
    random = np.random.default_rng(0)
    polygons = [shapely.Point(*random.random(2) * 100).buffer(random.random() * 9) for _ in range(20)]
    areas = areas_by_class([(1, np.array(polygons[:12])), (2, np.array(polygons[12:]))])
    areas.write(tmp_path / "o.parquet")
    read = read_outlined(tmp_path / "o.parquet")
    assert read.classes.tolist() == [1] * 12 + [2] * 8
    assert shapely.to_wkb(read.polygons).tolist() == shapely.to_wkb(np.array(polygons)).tolist()

import math

import pytest
import shapely

from tasks.slides.errors import SlideError
from tasks.slides.outline import NoOutline, Outline, drawing_of, outline_from, refuse_impossible

SQUARE = shapely.box(0, 0, 4, 2)


def test_a_valid_area_is_taken_as_it_is():
    outline = outline_from("a", SQUARE, "here")
    assert outline == Outline("a", SQUARE)
    assert outline.polygon is SQUARE


def test_the_lines_that_a_repair_leaves_are_dropped():
    spike = shapely.Polygon([(0, 0), (4, 0), (4, 4), (4, 9), (4, 4), (0, 4)])
    outline = outline_from("a", spike, "here")
    assert outline.repaired
    assert outline.polygon.equals(shapely.box(0, 0, 4, 4))


@pytest.mark.parametrize(
    ("drawn", "reason"),
    [
        (shapely.Point(0, 0), "a Point encloses no area"),
        (shapely.MultiPoint([(0, 0), (4, 0), (4, 4)]), "a MultiPoint encloses no area"),
        (shapely.LineString([(0, 0), (1, 1)]), "a LineString encloses no area"),
        (shapely.LinearRing([(0, 0), (1, 0), (1, 1)]), "a LinearRing encloses no area"),
        (shapely.Polygon([(3, 3), (3, 3), (3, 3)]), "a Polygon without area"),
        (shapely.Polygon([(0, 0), (4, 4), (2, 2)]), "a Polygon without area"),
        (shapely.Polygon(), "a Polygon without area"),
        (shapely.GeometryCollection([shapely.Point(0, 0)]), "a GeometryCollection without area"),
    ],
)
def test_what_encloses_nothing_is_no_outline_and_says_why(drawn, reason):
    assert outline_from("a", drawn, "here") == NoOutline(reason)


def test_of_a_collection_the_areas_count():
    outline = outline_from("a", shapely.GeometryCollection([shapely.Point(9, 9), SQUARE]), "here")
    assert outline.polygon.equals(SQUARE)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", [shapely.Point, lambda x, y: shapely.LineString([(1, 0), (x, y)])])
def test_a_corner_that_is_no_number_is_refused(bad, kind):
    with pytest.raises(SlideError, match=r"here has a corner at \((nan|-?inf), 2\)"):
        outline_from("a", kind(bad, 2), "here")


def test_a_drawing_counts_what_is_no_outline():
    objects = [Outline("a", SQUARE), NoOutline("x"), Outline("b", SQUARE), NoOutline("w"), NoOutline("x")]
    drawing = drawing_of(objects)
    assert [outline.class_name for outline in drawing.outlines] == ["a", "b"]
    assert drawing.left_out == {"w": 1, "x": 2}


def test_corners_are_looked_at_with_their_third_coordinate_left_alone():
    refuse_impossible([(0, 0, math.nan), (1, 2)], "here")
    with pytest.raises(SlideError, match=r"here has a corner at \(1, nan\)"):
        refuse_impossible([(0, 0), (1, math.nan)], "here")

import pytest
import shapely

from tasks.slides.errors import SlideError
from tasks.slides.outline import outline_from


def test_a_valid_area_is_taken_as_it_is():
    drawn = shapely.box(0, 0, 4, 2)
    outline = outline_from("a", drawn, "here")
    assert outline.polygon is drawn
    assert not outline.repaired


def test_the_lines_that_a_repair_leaves_are_dropped():
    spike = shapely.Polygon([(0, 0), (4, 0), (4, 4), (4, 9), (4, 4), (0, 4)])
    outline = outline_from("a", spike, "here")
    assert outline.repaired
    assert outline.polygon.equals(shapely.box(0, 0, 4, 4))


@pytest.mark.parametrize("drawn", [shapely.Point(0, 0), shapely.LineString([(0, 0), (1, 1)])])
def test_points_and_lines_are_refused(drawn):
    with pytest.raises(SlideError, match=f"here is a {drawn.geom_type}"):
        outline_from("a", drawn, "here")

import numpy as np
import pytest
import shapely

from tasks.tiling.tissue import Tissue
from tasks.tiling.tissue_area import TissueArea

SCALE = (4.0, 3.5)


def tissue_of(mask):
    return Tissue(mask, *SCALE, pixel_um2=1.0, threshold=0.1)


def squares(mask):
    """Return the tissue as shapely has it: the union of the squares of its pixels."""
    rows, columns = np.nonzero(mask)
    x, y = columns * SCALE[0], rows * SCALE[1]
    return shapely.union_all(shapely.box(x, y, x + SCALE[0], y + SCALE[1]))


def polygons(geometry):
    parts = shapely.get_parts(shapely.make_valid(geometry))
    return np.array([part for part in parts if part.geom_type == "Polygon"], dtype=object)


def drawn(kind, rng):
    corners = rng.uniform(-30, 190, (int(rng.integers(3, 12)), 2))
    disc = shapely.Point(*rng.uniform(0, 150, 2)).buffer(rng.uniform(0.5, 80))
    ring = disc.difference(shapely.Point(*rng.uniform(0, 150, 2)).buffer(rng.uniform(0.5, 40)))
    on_lines = shapely.Polygon(np.round(corners / SCALE) * SCALE)
    return {"any": shapely.Polygon(corners), "with a hole": ring, "on the lines": on_lines}[kind]


@pytest.mark.parametrize("kind", ["any", "with a hole", "on the lines"])
def test_the_area_is_that_of_the_intersection_with_every_pixel(kind):
    rng = np.random.default_rng(len(kind))
    mask = rng.random((30, 40)) < 0.5
    area, tissue = TissueArea(tissue_of(mask)), squares(mask)
    for _ in range(60):
        parts = polygons(drawn(kind, rng))
        true = sum(part.intersection(tissue).area for part in parts)
        assert area.of(parts) == pytest.approx(true, abs=1e-7)


def test_both_directions_of_a_ring_give_the_same_area():
    area = TissueArea(tissue_of(np.eye(20, dtype=bool)))
    shape = shapely.Polygon([(1, 1), (60, 9), (40, 55)])
    there, back = (area.of(np.array([item], dtype=object)) for item in (shape, shape.reverse()))
    assert there == pytest.approx(back, rel=1e-12)
    assert there > 0


@pytest.mark.parametrize("box", [(-50, -50, -1, -1), (500, 0, 600, 20), (0, 500, 20, 600)])
def test_beyond_the_slide_there_is_none(box):
    area = TissueArea(tissue_of(np.ones((30, 40), dtype=bool)))
    assert area.of(np.array([shapely.box(*box)], dtype=object)) == 0
    assert area.of(np.array([], dtype=object)) == 0


def test_a_large_outline_costs_no_picture_of_it():
    """A disc of 45,000 px radius on 18 million mask pixels: its own area to rounding."""
    mask = np.ones((6000, 3000), dtype=bool)
    area = TissueArea(Tissue(mask, 32.0, 32.0, pixel_um2=1.0, threshold=0.1))
    disc = shapely.Point(48_000, 96_000).buffer(45_000)
    assert area.of(np.array([disc], dtype=object)) == pytest.approx(disc.area, rel=1e-12)


def test_points_lie_on_the_pixel_under_them():
    mask = np.zeros((3, 4), dtype=bool)
    mask[1, 2] = True
    x = np.array([8.0, 11.99, 12.0, 8.0, 9.0, -1.0, 99.0])
    y = np.array([3.5, 6.99, 4.0, 7.0, 3.49, 4.0, 4.0])
    found = TissueArea(tissue_of(mask)).holds(x, y)
    assert found.tolist() == [True, True, False, False, False, False, False]


def test_many_outlines_with_holes_are_summed_ring_by_ring():
    rng = np.random.default_rng(3)
    mask = rng.random((40, 40)) < 0.5
    corners = [(x, y) for x in range(-12, 160, 12) for y in range(-10, 140, 10)]
    boxes = [
        shapely.box(x, y, x + 9.3, y + 7.1).difference(shapely.box(x + 2, y + 2, x + 4, y + 3))
        for x, y in corners
    ]
    true = sum(box.intersection(squares(mask)).area for box in boxes)
    assert TissueArea(tissue_of(mask)).of(np.array(boxes, dtype=object)) == pytest.approx(true, abs=1e-7)

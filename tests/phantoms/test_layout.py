import itertools

import numpy as np
import pytest

from tasks.phantoms.canvas import SlideCanvas
from tasks.phantoms.layout import lay_out

CANVAS = SlideCanvas(1664, 1152, 0.5)


@pytest.fixture(scope="module", params=[0, 1, 2])
def layout(request):
    return lay_out(CANVAS, 2, True, np.random.default_rng(request.param))


def test_sections_lie_apart_on_the_slide(layout):
    assert len(layout.sections) == 2
    assert layout.sections[0].distance(layout.sections[1]) > CANVAS.px(75)
    for section in layout.sections:
        left, top, right, bottom = section.bounds
        assert min(left, top) > 0
        assert right < CANVAS.width
        assert bottom < CANVAS.height


def test_islands_lie_apart_inside_tissue(layout):
    for one, other in itertools.combinations(layout.islands, 2):
        assert one.outline.distance(other.outline) > CANVAS.px(8)
    for island in layout.islands:
        assert island.outline.is_valid
        assert any(s.contains(island.outline) for s in layout.sections)


def test_a_tumour_slide_has_nests_and_benign_islands(layout):
    kinds = [island.tumour for island in layout.islands]
    assert any(kinds)
    assert not all(kinds)


def test_a_normal_slide_has_the_same_islands_without_tumour(layout):
    for seed in range(3):
        tumour, normal = (lay_out(CANVAS, 2, kind, np.random.default_rng(seed)) for kind in (True, False))
        assert not any(island.tumour for island in normal.islands)
        assert [i.outline for i in normal.islands] == [i.outline for i in tumour.islands]


def test_even_the_smallest_slides_hold_both_kinds():
    for seed in range(25):
        small = lay_out(SlideCanvas(1200, 600, 0.5), 2, True, np.random.default_rng(seed))
        assert {island.tumour for island in small.islands} == {True, False}

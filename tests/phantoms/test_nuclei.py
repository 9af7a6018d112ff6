import dataclasses

import numpy as np
import pytest

from tasks.phantoms import nuclei as module
from tasks.phantoms.canvas import SlideCanvas
from tasks.phantoms.cells import BENIGN, TUMOUR, Nuclei
from tasks.phantoms.nuclei import draw_nuclei

CANVAS = SlideCanvas(120, 90, 0.5)
PLAIN = dataclasses.replace(BENIGN, irregularity=0.0, vesicular=0.0, clumps=0.0, hematoxylin=(0.5, 0.5))


def nuclei(kind, points, radius, aspect=1.0, angle=0.0):
    count = len(points)
    return Nuclei(
        kind, np.array(points), np.full(count, radius), np.full(count, aspect), np.full(count, angle)
    )


def drawn(group, seed=0):
    return draw_nuclei(CANVAS, group, CANVAS.filled(), np.random.default_rng(seed))


@pytest.mark.parametrize("aspect", [1.0, 2.5])
def test_a_plain_nucleus_covers_its_area_whatever_its_aspect(aspect):
    cover = drawn(nuclei(PLAIN, [[60.3, 45.8]], 12.0, aspect, 0.7)).cover
    assert cover.sum() == pytest.approx(np.pi * 144, rel=0.02)
    row, column = np.indices(cover.shape)
    assert (cover * (column + 0.5)).sum() / cover.sum() == pytest.approx(60.3, abs=0.05)
    assert (cover * (row + 0.5)).sum() / cover.sum() == pytest.approx(45.8, abs=0.05)


def test_an_oval_lies_along_its_angle():
    cover = drawn(nuclei(PLAIN, [[60.0, 45.0]], 8.0, 3.0, np.pi / 2)).cover > 0.5
    assert cover.any(axis=1).sum() > 2 * cover.any(axis=0).sum()


def test_nothing_leaves_the_canvas_and_the_edges_do_not_wrap():
    cover = drawn(nuclei(PLAIN, [[0.0, 45.0], [60.0, 89.9]], 9.0)).cover
    assert cover[:, 40:50].sum() == 0
    assert cover[:, -30:].sum() == 0
    assert cover[:10].sum() == 0


def test_batches_change_no_number(monkeypatch):
    points = np.random.default_rng(5).uniform(0, 90, (40, 2)).tolist()
    group = nuclei(TUMOUR, points, 10.0)
    whole = drawn(group)
    monkeypatch.setattr(module, "BATCH", 7)
    parts = drawn(group)
    np.testing.assert_array_equal(whole.cover, parts.cover)
    np.testing.assert_array_equal(whole.hematoxylin, parts.hematoxylin)


def test_tumour_nuclei_are_vesicular():
    kind = dataclasses.replace(TUMOUR, irregularity=0.0, nucleoli=0, clumps=0.0)
    amount = drawn(nuclei(kind, [[60.0, 45.0]], 14.0)).hematoxylin
    assert amount[45, 60] < 0.9 * amount[45, 60 + 12]

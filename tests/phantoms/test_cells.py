import numpy as np
import pytest

from tasks.phantoms.canvas import SlideCanvas
from tasks.phantoms.cells import BENIGN, LYMPHOCYTE, PYKNOTIC, TUMOUR, Nuclei, atypical, scatter, settle

CANVAS = SlideCanvas(800, 600, 0.5)


def thrown(kind, per_mm2, seed):
    return scatter(CANVAS, kind, CANVAS.filled(per_mm2), np.random.default_rng(seed))


def test_scatter_holds_to_the_rate_and_the_sizes():
    nuclei = thrown(LYMPHOCYTE, 20_000, 0)
    assert len(nuclei) == pytest.approx(20_000 * 0.4 * 0.3, rel=0.01)
    low, high = LYMPHOCYTE.radius_um
    assert nuclei.radius.min() >= low / 0.5
    assert nuclei.radius.max() <= high / 0.5


def test_scatter_leaves_empty_places_empty():
    rate = CANVAS.filled()
    rate[:, 400:] = 10_000
    assert scatter(CANVAS, BENIGN, rate, np.random.default_rng(0)).points[:, 0].min() >= 400


def test_settle_agrees_with_the_plain_rule():
    groups = thrown(TUMOUR, 4000, 1), thrown(LYMPHOCYTE, 9000, 2)
    settled = settle(groups)
    kept: list[tuple[float, float, float]] = []
    for group in groups:
        for (x, y), radius in zip(group.points, group.radius, strict=True):
            reach = radius * group.kind.room
            if all(np.hypot(x - a, y - b) >= reach + r for a, b, r in kept):
                kept.append((x, y, reach))
    found = np.concatenate([g.points for g in settled])
    np.testing.assert_array_equal(found, np.array(kept)[:, :2])


def test_settle_of_nothing_is_nothing():
    empty = thrown(TUMOUR, 0, 0)
    assert [len(g) for g in settle((empty, empty))] == [0, 0]


def test_tumour_nuclei_are_larger_and_paler_than_the_dark_decoys():
    assert TUMOUR.radius_um[0] > max(LYMPHOCYTE.radius_um[1], BENIGN.radius_um[1])
    for decoy in (LYMPHOCYTE, PYKNOTIC):
        assert sum(TUMOUR.hematoxylin) < sum(decoy.hematoxylin)


def test_keep_takes_the_marked():
    nuclei = thrown(BENIGN, 1000, 3)
    marked = nuclei.radius > np.median(nuclei.radius)
    kept = nuclei.keep(marked)
    assert isinstance(kept, Nuclei)
    np.testing.assert_array_equal(kept.points, nuclei.points[marked])
    np.testing.assert_array_equal(kept.angle, nuclei.angle[marked])


def test_atypia_runs_from_benign_to_tumour():
    assert atypical(1.0) == TUMOUR
    assert atypical(0.0) == BENIGN
    assert atypical(0.5).irregularity == pytest.approx((BENIGN.irregularity + TUMOUR.irregularity) / 2)

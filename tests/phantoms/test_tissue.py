import numpy as np
import pytest

from tasks.phantoms.canvas import SlideCanvas
from tasks.phantoms.layout import lay_out
from tasks.phantoms.tissue import cell_bodies, lay_ground, weave

CANVAS = SlideCanvas(1240, 660, 0.5)


def test_fibres_run_along_their_angle():
    fibres = weave(CANVAS, np.random.default_rng(0))
    down, right = np.gradient(fibres.coarse)
    along = right * np.cos(fibres.angle) + down * np.sin(fibres.angle)
    across = down * np.cos(fibres.angle) - right * np.sin(fibres.angle)
    assert np.abs(along).mean() < 0.5 * np.abs(across).mean()


@pytest.fixture(scope="module")
def ground():
    layout = lay_out(CANVAS, 2, True, np.random.default_rng(0))
    return layout, lay_ground(CANVAS, layout, np.random.default_rng(1))


def test_glass_and_lumens_hold_almost_no_dye(ground):
    layout, fields = ground
    outside = ~CANVAS.inside(*(section.buffer(30) for section in layout.sections))
    lumens = CANVAS.inside(*(lumen.buffer(-4) for lumen in layout.lumens if lumen.area > 300))
    for dye in (fields.hematoxylin, fields.eosin):
        assert dye.min() >= 0
        assert dye[outside].max() == 0
        assert dye[lumens].mean() < 0.05


def test_nests_and_benign_islands_share_their_ground():
    levels: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(8):
        layout = lay_out(CANVAS, 2, True, np.random.default_rng(seed))
        fields = lay_ground(CANVAS, layout, np.random.default_rng(seed + 100))
        for island in layout.islands:
            levels[island.tumour].append(float(fields.eosin[CANVAS.inside(island.outline)].mean()))
    nests, benign = levels.values()
    assert np.mean(nests) == pytest.approx(np.mean(benign), abs=2.5 * np.std(nests + benign) / 8**0.5)


def test_cells_are_about_as_wide_as_stated():
    lines, tones = cell_bodies(CANVAS, np.random.default_rng(0))
    assert lines.shape == tones.shape == CANVAS.shape
    assert 0 <= lines.min() <= lines.max() <= 1
    cells = len(np.unique(np.round(tones[200:400, 200:400], 4)[::3, ::3]))
    assert cells > 50

import numpy as np
import pytest
from scipy import ndimage
from shapely.geometry import Point
from sklearn.metrics import roc_auc_score

from tasks.phantoms.canvas import SlideCanvas
from tasks.phantoms.cells import BENIGN, atypical
from tasks.phantoms.granules import BLUE, BROWN, EVIDENCE_FRACTION, PER_MM2, draw_granules, without_granules
from tasks.phantoms.layout import Island, PhantomLayout
from tasks.phantoms.plan import plan_cohort
from tasks.phantoms.recipe import PhantomRecipe
from tasks.phantoms.slide import draw_slide

CANVAS = SlideCanvas(1240, 660, 0.5)
ISLANDS = tuple(Island(Point(260 + 500 * n, 320).buffer(200), tumour=n == 0) for n in range(2))
LAYOUT = PhantomLayout((), ISLANDS, (), ())
NEST, BENIGN_ISLAND = (CANVAS.inside(island.outline) for island in ISLANDS)
RECIPE = PhantomRecipe(size_px=(800, 800), sections=1, granules=True)


@pytest.fixture(scope="module")
def granules():
    return draw_granules(CANVAS, LAYOUT, np.random.default_rng(0))


@pytest.fixture(scope="module")
def slides():
    """A tumour slide with and without granules."""
    plan = plan_cohort(RECIPE)[0]
    return [draw_slide(plan, RECIPE.model_copy(update={"granules": wanted})) for wanted in (True, False)]


def count(mask):
    return ndimage.label(mask)[1]


def test_brown_granules_are_in_nests_alone_and_no_granule_is_outside_of_the_islands(granules):
    assert not (granules.evidence & ~NEST).any()
    assert not (granules.decoy & ~(NEST | BENIGN_ISLAND)).any()
    assert not (granules.evidence & granules.decoy).any()


def test_nests_hold_as_many_granules_as_benign_islands_and_half_of_them_are_brown(granules):
    brown, blue = count(granules.evidence & NEST), count(granules.decoy & NEST)
    assert brown / (brown + blue) == pytest.approx(EVIDENCE_FRACTION, abs=0.08)
    assert brown + blue == pytest.approx(count(granules.decoy & BENIGN_ISLAND), rel=0.15)
    area_mm2 = NEST.sum() * CANVAS.mpp**2 * 1e-6
    assert 0.5 * PER_MM2 < (brown + blue) / area_mm2 < PER_MM2


def test_darkness_does_not_tell_brown_from_blue(granules):
    """Both colours absorb the same in sum, so the mean density of a granule is the same."""
    assert sum(BROWN) == sum(BLUE)
    total = granules.density.sum(axis=2)
    brown, blue = total[granules.evidence].mean(), total[granules.decoy].mean()
    assert brown == pytest.approx(blue, rel=0.03)


def test_the_colour_tells_them(granules):
    red_minus_blue = granules.density[..., 0] - granules.density[..., 2]
    assert (red_minus_blue[granules.evidence] < 0).all()
    assert (red_minus_blue[granules.decoy] > 0).all()


def test_in_a_slide_evidence_and_decoys_are_the_granules_and_darkness_ranks_them_alike(slides):
    granular, _ = slides
    density = -np.log10(np.maximum(granular.rgb, 1) / 255.0).sum(axis=-1)
    canvas = SlideCanvas(*RECIPE.size_px, RECIPE.mpp)
    nests = np.logical_or.reduce([canvas.inside(nest) for nest in granular.nests])
    granules = (granular.evidence | granular.decoy) & nests
    # On the six test slides of the quickstart with tumour 0.41 to 0.52.
    assert 0.4 < roc_auc_score(granular.evidence[granules], density[granules]) < 0.65
    assert not (granular.evidence & ~nests).any()
    assert (granular.decoy & ~nests).any()


def test_granules_change_the_nuclei_of_nests_to_benign_ones_and_keep_the_outlines(slides):
    granular, plain = slides
    assert atypical(0.0) == BENIGN
    assert granular.nests == plain.nests
    # Large pale nuclei cover far more of a nest than granules do.
    assert granular.evidence.sum() < 0.5 * plain.evidence.sum()


def test_a_normal_slide_has_blue_granules_alone():
    normal = draw_slide(plan_cohort(RECIPE)[1], RECIPE)
    assert not normal.evidence.any()
    assert normal.decoy.any()


def test_without_granules_nothing_is_added():
    nothing = without_granules(CANVAS)
    assert nothing.density is None
    assert not (nothing.evidence | nothing.decoy).any()

import numpy as np
import pytest
import shapely

from tasks.phantoms.canvas import SlideCanvas, sample
from tasks.phantoms.layout import lay_out
from tasks.phantoms.population import Habitat, populate
from tasks.phantoms.tissue import lay_ground

CANVAS = SlideCanvas(1240, 660, 0.5)


@pytest.fixture(scope="module")
def habitat():
    layout = lay_out(CANVAS, 2, True, np.random.default_rng(0))
    return Habitat(CANVAS, layout, lay_ground(CANVAS, layout, np.random.default_rng(1)))


@pytest.fixture(scope="module")
def cells(habitat):
    return populate(habitat, 1.0, np.random.default_rng(2))


def test_epithelial_nuclei_lie_in_their_own_islands(habitat, cells):
    for tumour, nuclei in ((True, cells.tumour), (False, cells.others[0])):
        home = shapely.union_all([i.outline for i in habitat.layout.islands if i.tumour == tumour])
        assert len(nuclei) > 20
        assert shapely.contains(home, shapely.points(nuclei.points)).all()


def test_small_dark_nuclei_are_everywhere_and_crowd_in_clusters(habitat, cells):
    points = cells.others[2].points
    in_islands = sample(habitat.ground.islands, points) > 0.5
    in_clusters = sample(habitat.ground.clusters, points) > 0.5
    assert in_islands.sum() > 30
    assert (~in_islands & ~in_clusters).sum() > 30
    share = (habitat.ground.clusters > 0.5).mean() / (habitat.ground.tissue > 0.5).mean()
    assert in_clusters.mean() > 2 * share


def test_no_nucleus_lies_on_glass_or_in_a_lumen(habitat, cells):
    for nuclei in (cells.tumour, *cells.others):
        assert sample(habitat.ground.tissue, nuclei.points).min() > 0.7
        assert sample(habitat.ground.lumens, nuclei.points).max() < 1


def test_atypia_makes_the_nuclei_larger(habitat, cells):
    mild = populate(habitat, 0.3, np.random.default_rng(2))
    assert mild.tumour.radius.mean() < 0.8 * cells.tumour.radius.mean()

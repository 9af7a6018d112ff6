import numpy as np
import pytest
import shapely

from tasks.phantoms.canvas import Canvas, sample
from tasks.phantoms.layout import lay_out
from tasks.phantoms.population import Place, populate
from tasks.phantoms.tissue import lay_ground

CANVAS = Canvas(1240, 660, 0.5)


@pytest.fixture(scope="module")
def place():
    layout = lay_out(CANVAS, 2, True, np.random.default_rng(0))
    return Place(CANVAS, layout, lay_ground(CANVAS, layout, np.random.default_rng(1)))


@pytest.fixture(scope="module")
def cells(place):
    return populate(place, 1.0, np.random.default_rng(2))


def test_epithelial_nuclei_lie_in_their_own_islands(place, cells):
    for tumour, nuclei in ((True, cells.tumour), (False, cells.others[0])):
        home = shapely.union_all([i.outline for i in place.layout.islands if i.tumour == tumour])
        assert len(nuclei) > 20
        assert shapely.contains(home, shapely.points(nuclei.points)).all()


def test_small_dark_nuclei_are_everywhere_and_crowd_in_clusters(place, cells):
    points = cells.others[2].points
    in_islands = sample(place.ground.islands, points) > 0.5
    in_clusters = sample(place.ground.clusters, points) > 0.5
    assert in_islands.sum() > 30
    assert (~in_islands & ~in_clusters).sum() > 30
    share = (place.ground.clusters > 0.5).mean() / (place.ground.tissue > 0.5).mean()
    assert in_clusters.mean() > 2 * share


def test_no_nucleus_lies_on_glass_or_in_a_lumen(place, cells):
    for nuclei in (cells.tumour, *cells.others):
        assert sample(place.ground.tissue, nuclei.points).min() > 0.7
        assert sample(place.ground.lumens, nuclei.points).max() < 1


def test_atypia_makes_the_nuclei_larger(place, cells):
    mild = populate(place, 0.3, np.random.default_rng(2))
    assert mild.tumour.radius.mean() < 0.8 * cells.tumour.radius.mean()

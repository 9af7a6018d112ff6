import numpy as np
import pytest
import torch

from tasks.exemplars._tiles import by_slide_id, labelled
from tasks.exemplars._training_summary import look_up
from tasks.exemplars.base import ExemplarJob
from tests._support.tile_sets import make_tile_set

CLASSES = ("normal", "tumour")


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiles")
    plan = (("a", 12), ("b", 9))
    return [make_tile_set(folder / n, n, "p", "train", count, failed=(1,)) for n, count in plan]


def scores(images):
    return torch.stack([images.mean((1, 2, 3)), -images.mean((1, 2, 3)), torch.ones(len(images))], dim=1)


def looked(slides, batch=5, target=1, told=lambda done: None, classes=CLASSES):
    job = ExemplarJob(None, slides, [], classes, target, batch=batch, advance=told)
    return look_up(job, labelled(job), scores)


def every_pixel(slides):
    tiles = by_slide_id(slides, CLASSES)
    return np.stack([tiles.pixels(row) for row in range(len(tiles))]) / 255.0


@pytest.mark.parametrize("batch", [1, 5, 100])
def test_it_is_what_all_tiles_at_once_give(slides, batch):
    found, pixels = looked(slides, batch), every_pixel(slides)
    means = pixels.mean((1, 2, 3))
    target = by_slide_id(slides, CLASSES).label_indices(CLASSES) == 1
    np.testing.assert_allclose(found.on_target, [means[target].mean(), -means[target].mean(), 1], rtol=1e-5)
    np.testing.assert_allclose(found.highest, [means.max(), -means.min(), 1], rtol=1e-5)
    assert found.rows.tolist() == [means.argmax(), means.argmin(), 0]
    flat = pixels.reshape(-1, 3)
    np.testing.assert_allclose(found.palette.mean, flat.mean(0), rtol=1e-6)
    np.testing.assert_allclose(found.palette.covariance, np.cov(flat.T, bias=True), rtol=1e-5)


def test_without_a_tile_of_the_target_its_means_are_unknown(slides):
    found = looked(slides, classes=("normal", "fat"))
    assert np.isnan(found.on_target).all()
    assert np.isfinite(found.highest).all()


def test_it_tells_of_every_tile_and_knows_their_size(slides):
    told = []
    found = looked(slides, told=told.append)
    assert sum(told) == len(found.tiles)
    assert found.tile_px == 16

"""A network that looks at one half of a tile, whose other half is the background."""

import pytest
import torch

from tasks.functional.tile_keys import tile_keys
from tasks.model_metrics._attack import Attack, moved_away
from tasks.model_metrics.background_response import BackgroundResponse
from tasks.samples.measured_tiles import MeasuredTiles
from tests._support.measured import images_of, scores_of
from tests._support.small_networks import LinearNetwork, PowerNetwork
from tests._support.tile_sets import make_tile_set

CLASSES = ("normal", "tumour")
WEIGHT = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0))
HALF = torch.cat([WEIGHT[:, :, :8], torch.zeros(3, 16, 8)], dim=2)


@pytest.fixture(scope="module")
def tiles(tmp_path_factory):
    return MeasuredTiles([make_tile_set(tmp_path_factory.mktemp("s"), "s", "p", "test", 50)], CLASSES)


def test_a_background_that_the_network_does_not_look_at_changes_nothing(tiles):
    found = scores_of(BackgroundResponse(share=0.5), LinearNetwork(HALF), tiles)
    assert all((values < 1e-12).all() for values in found.values())


def test_of_a_linear_network_the_prediction_alone_disagrees(tiles):
    model, images = LinearNetwork(WEIGHT), images_of(tiles)
    found = scores_of(BackgroundResponse(share=1, eps=0.05), model, tiles)
    before = model(images).double()
    away = torch.where(before.argmax(1) == 1, -1.0, 1.0)[:, None, None, None]
    after = model((images + 0.05 * away * WEIGHT.sign()).clamp(0, 1)).double()
    moved = (before.softmax(1)[:, 1] - after.softmax(1)[:, 1]).abs()
    torch.testing.assert_close(found["prediction"], moved.detach(), rtol=1e-3, atol=1e-6)
    assert (found["heatmap"] < 1e-12).all()
    torch.testing.assert_close(found["disagreement"], found["prediction"])


def test_where_the_gradient_follows_the_image_the_heatmap_disagrees_too(tiles):
    found = scores_of(BackgroundResponse(share=1, eps=0.2), PowerNetwork(WEIGHT / 30, 3), tiles)
    assert (found["heatmap"] > 1e-4).all()
    joint = 1 - (1 - found["heatmap"]) * (1 - found["prediction"])
    torch.testing.assert_close(found["disagreement"], joint)
    assert (found["disagreement"] > found["prediction"]).all()


def test_pixels_outside_the_mask_stay():
    images = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    where = torch.zeros(3, 1, 16, 16, dtype=torch.bool)
    where[:, :, :4] = True
    classes, keys = torch.zeros(3, dtype=torch.int64), tile_keys(["a", "b", "c"])
    moved = moved_away(LinearNetwork(WEIGHT), images, classes, keys, Attack(0.1, 2, 0), where)
    assert torch.equal(moved[:, :, 4:], images[:, :, 4:])
    assert (moved[:, :, :4] != images[:, :, :4]).double().mean() > 0.9

"""A network that looks at one half of a tile, of which the other half is filled."""

import pytest
import torch

from tasks.model_metrics._pixels import lowest_pixels
from tasks.model_metrics.fill_response import FillResponse
from tasks.samples.measured_tiles import MeasuredTiles
from tests._support.measured import images_of, scores_of
from tests._support.small_networks import LinearNetwork
from tests._support.tile_sets import make_tile_set

CLASSES = ("normal", "tumour")
WEIGHT = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0)) / 5
HALF = torch.cat([WEIGHT[:, :, :8], torch.zeros(3, 16, 8)], dim=2)


@pytest.fixture(scope="module")
def tiles(tmp_path_factory):
    return MeasuredTiles([make_tile_set(tmp_path_factory.mktemp("s"), "s", "p", "test", 50)], CLASSES)


def test_filling_what_the_network_does_not_look_at_moves_nothing(tiles):
    found = scores_of(FillResponse(share=0.5), LinearNetwork(HALF), tiles)
    assert (found["low_saliency"] == 0).all()
    assert (found["random"] > 0).all()


def test_filling_everything_is_the_divergence_of_noise_in_the_range_of_the_tile(tiles):
    model, images = LinearNetwork(WEIGHT), images_of(tiles)
    found = scores_of(FillResponse(share=1), model, tiles)
    torch.testing.assert_close(found["low_saliency"], found["random"])
    low, high = images.amin((1, 2, 3)), images.amax((1, 2, 3))
    margin = float(WEIGHT.sum()) * (low + high) / 2
    spread = (high - low) * (WEIGHT.square().sum() / 12).sqrt()
    before = model(images).double()
    # Over all tiles the margin of a uniform fill scatters about that of its mean, as its variance says.
    fills = margin[None] + spread[None] * torch.randn(4000, 1, generator=torch.Generator().manual_seed(1))
    after = torch.stack([torch.zeros_like(fills), fills], -1).log_softmax(-1).double()
    expected = (before.softmax(1) * (before.log_softmax(1) - after)).sum(-1)
    error = (found["random"] - expected.mean(0)).std() / len(tiles) ** 0.5
    assert abs((found["random"] - expected.mean(0)).mean()) < 4 * error


def test_exactly_the_share_is_chosen_and_ties_are_at_random():
    images, keys = torch.zeros(4, 3, 10, 10), torch.arange(4)
    flat = lowest_pixels(torch.ones(4, 10, 10), 0.33, images, keys, 0)
    assert flat.sum((1, 2, 3)).tolist() == [33] * 4
    assert not torch.equal(flat[0], flat[1])
    assert lowest_pixels(None, 0.33, images, keys, 0).sum((1, 2, 3)).tolist() == [33] * 4
    rising = torch.arange(100.0).view(1, 10, 10).expand(4, -1, -1)
    chosen = lowest_pixels(rising, 0.33, images, keys, 0)
    assert chosen.flatten(1)[:, :33].all()
    assert not chosen.flatten(1)[:, 33:].any()

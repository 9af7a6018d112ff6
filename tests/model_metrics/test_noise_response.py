"""The three noises, and what a network makes of them."""

import pytest
import torch
import torch.nn.functional as F

from tasks.functional.noise import normal, seed_of
from tasks.model_metrics.noise_response import NoiseResponse
from tasks.models.classifier import Classifier
from tasks.samples.measured_tiles import MeasuredTiles
from tests._support.measured import images_of, scores_of
from tests._support.small_networks import LinearNetwork
from tests._support.tile_sets import make_tile_set

CLASSES = ("normal", "tumour")
MEAN, STD = (0.8, 0.6, 0.7), (0.1, 0.2, 0.3)
WEIGHT = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0)) / 5


@pytest.fixture(scope="module")
def tiles(tmp_path_factory):
    return MeasuredTiles([make_tile_set(tmp_path_factory.mktemp("s"), "s", "p", "test", 50)], CLASSES)


def model_of(weight=WEIGHT):
    return Classifier(LinearNetwork(weight), MEAN, STD)


def test_each_divergence_is_that_of_its_formula(tiles):
    model, images = model_of(), images_of(tiles)
    found = scores_of(NoiseResponse(blend=0.25), model, tiles, seed=3)
    n = normal(seed_of(3, "noise response"), tiles.keys, 0, (3, 16, 16))
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    noisy = {
        "modulated": mean + (images - mean) * (0.25 + 0.75 * n * n),
        "multiplied": mean + (images - mean) * (1 + 0.75 * 2**0.5 * n),
        "added": images + 0.75 * 2**0.5 * std * n,
    }
    with torch.no_grad():
        before = model(images).double()
        for name, moved in noisy.items():
            after = model(moved).double().log_softmax(1)
            expected = F.kl_div(after, before.softmax(1), reduction="none").sum(1)
            torch.testing.assert_close(found[name], expected, rtol=1e-4, atol=1e-6)


def test_the_noises_have_one_variance_over_data_of_that_mean_and_deviation(tiles):
    """A pixel's factor or addend has variance 2 (1 - b)^2 s^2 in all three, s its deviation in the data."""
    spread = 2**0.5 * 0.5
    data = torch.tensor(MEAN).view(1, 3, 1, 1) + torch.tensor(STD).view(1, 3, 1, 1) * torch.randn(
        500, 3, 16, 16, generator=torch.Generator().manual_seed(0)
    )
    batch = type("B", (), {"images": data, "keys": torch.arange(500)})()
    for moved in NoiseResponse()._noisy(model_of(), batch, 0).values():
        deviation = (moved - data).std((0, 2, 3)) / torch.tensor(STD)
        torch.testing.assert_close(deviation, torch.full((3,), spread), rtol=0.03, atol=0)


def test_without_noise_or_eyes_nothing_moves(tiles):
    for metric, model in ((NoiseResponse(blend=1), model_of()), (NoiseResponse(), model_of(0 * WEIGHT))):
        found = scores_of(metric, model, tiles)
        assert all((values < 1e-12).all() for values in found.values())

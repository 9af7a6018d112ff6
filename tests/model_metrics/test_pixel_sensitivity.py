"""Derivatives against closed forms and against the whole Jacobian."""

import pytest
import torch

from tasks.model_metrics.pixel_sensitivity import PixelSensitivity
from tasks.models.classifier import Classifier
from tasks.samples.measured_tiles import MeasuredTiles
from tests._support.measured import images_of, scores_of
from tests._support.small_networks import small_network
from tests._support.tile_sets import make_tile_set
from tests._support.training_steps import MEAN, STD, linear_classifier, tiny_classifier

CLASSES = ("normal", "tumour")


@pytest.fixture(scope="module")
def tiles(tmp_path_factory):
    return MeasuredTiles([make_tile_set(tmp_path_factory.mktemp("s"), "s", "p", "test", 50)], CLASSES)


def assert_unbiased(found, expected):
    """The mean over tiles is the expected one within four standard errors, and these are small."""
    difference = found - expected
    error = difference.std() / len(found) ** 0.5
    assert error < 0.15 * expected.mean()
    assert abs(difference.mean()) < 4 * error + 1e-9


def jacobian_norms(function, images, weights=1.0):
    """Squared Frobenius norms [N] of a function [3, H, W] -> [D], one row of the Jacobian at a time."""
    rows = [torch.autograd.functional.jacobian(function, image) for image in images]
    return torch.stack([(row.flatten(1).double().square().sum(1) * weights).sum() for row in rows])


def test_of_a_linear_network_all_three_are_known(tiles):
    model, images = linear_classifier(scale=2, tile_px=16), images_of(tiles)
    found = scores_of(PixelSensitivity(), model, tiles)
    weight = model.network[0].weight.detach().double()
    logits = model(images).double().detach()
    whole = torch.full((len(tiles),), weight.square().sum().item() / 2, dtype=torch.float64)
    torch.testing.assert_close(found["logits"], whole, rtol=1e-5, atol=0)
    wrong = 1 - logits.softmax(1).gather(1, tiles.labels[:, None])[:, 0]
    torch.testing.assert_close(
        found["loss"], wrong.square() * (weight[1] - weight[0]).square().sum(), rtol=1e-4, atol=1e-9
    )
    # Its last convolutional map is the two logits.
    scale = logits.var(0, correction=0)
    expected = (weight.square().sum((1, 2, 3)) / scale).sum() / 2
    assert_unbiased(found["activations"], expected.expand(len(tiles)))


def test_it_is_the_jacobian_of_three_logits_and_of_the_last_map(tiles):
    model = Classifier(small_network(classes=3), MEAN, STD).eval()
    images, found = images_of(tiles), scores_of(PixelSensitivity(), model, tiles)
    assert_unbiased(found["logits"], jacobian_norms(lambda x: model(x[None])[0], images) / 3)
    maps = model.features(images).detach().double()
    scale = maps.var((0, 2, 3), correction=0)
    scale = torch.maximum(scale, 1e-4 * scale.mean())  # a channel of the last map may be dead
    weights = (1 / scale).repeat_interleave(maps[0, 0].numel()) / maps[0].numel()
    expected = jacobian_norms(lambda x: model.features(x[None]).flatten(), images, weights)
    assert_unbiased(found["activations"], expected)


def test_smaller_activations_change_nothing_and_smaller_logits_do(tiles):
    """Trap: a penalty on raw activations is won by shrinking them."""
    model = tiny_classifier().eval()
    before = scores_of(PixelSensitivity(), model, tiles)
    with torch.no_grad():
        model.network.fc.weight.div_(10)
    after = scores_of(PixelSensitivity(), model, tiles)
    torch.testing.assert_close(after["activations"], before["activations"])
    torch.testing.assert_close(after["logits"] * 100, before["logits"], rtol=1e-4, atol=0)

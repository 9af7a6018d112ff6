"""On a linear network the attack and all that it does have a closed form."""

import pytest
import torch
import torch.nn.functional as F

from tasks.model_metrics.attack_response import AttackResponse
from tasks.models.classifier import Classifier
from tasks.models.recipe import NetworkRecipe
from tasks.models.resnet import build_resnet
from tasks.samples.measured_tiles import MeasuredTiles
from tests._support.measured import images_of, scores_of
from tests._support.tile_sets import make_tile_set
from tests._support.training_steps import linear_classifier

CLASSES = ("normal", "tumour")


@pytest.fixture(scope="module")
def tiles(tmp_path_factory):
    return MeasuredTiles([make_tile_set(tmp_path_factory.mktemp("s"), "s", "p", "test", 50)], CLASSES)


def test_the_scores_of_a_linear_network_are_those_of_the_corner_of_the_budget(tiles):
    model = linear_classifier(scale=3, tile_px=16)
    found, images = scores_of(AttackResponse(eps=0.05), model, tiles), images_of(tiles)
    with torch.no_grad():
        before = model(images).double()
        weight = model.network[0].weight[1] - model.network[0].weight[0]
        away = torch.where(before.argmax(1) == 1, -1.0, 1.0)[:, None, None, None]
        after = model((images + 0.05 * away * weight.sign()).clamp(0, 1)).double()
    expected = F.kl_div(after.log_softmax(1), before.softmax(1), reduction="none").sum(1)
    torch.testing.assert_close(found["kl"], expected, rtol=1e-3, atol=1e-6)
    assert torch.equal(found["flipped"], (before.argmax(1) != after.argmax(1)).double())
    assert 0 < found["flipped"].mean() <= 1
    # The last convolutional map of this network is its two logits.
    torch.testing.assert_close(
        found["feature_distance"], 2 * (1 - F.cosine_similarity(before, after)), rtol=1e-3, atol=1e-5
    )
    assert (found["more_certain"] == 0).all()


def test_a_network_that_looks_at_nothing_does_not_respond(tiles):
    model = linear_classifier(tile_px=16)
    with torch.no_grad():
        model.network[0].weight.zero_()
    found = scores_of(AttackResponse(), model, tiles)
    assert all((values == 0).all() for values in found.values())


def test_a_wrong_way_is_told(tiles, monkeypatch):
    """Trap: such an attack raises the divergence too, and only this score shows which way it went."""
    model = linear_classifier(scale=3, tile_px=16)

    def surer(network, images, classes, keys, attack):
        weight = network.network[0].weight[1] - network.network[0].weight[0]
        towards = torch.where(classes == 1, 1.0, -1.0)[:, None, None, None]
        return images + attack.eps * towards * weight.sign()

    monkeypatch.setattr("tasks.model_metrics.attack_response.moved_away", surer)
    found = scores_of(AttackResponse(), model, tiles)
    assert (found["more_certain"] == 1).all()
    assert (found["kl"] > 0).all()
    assert (found["flipped"] == 0).all()


def test_more_budget_moves_a_network_further(tiles):
    network = build_resnet(NetworkRecipe(width=0.0625), 2, 0)
    model = Classifier(network, (0.7, 0.55, 0.65), (0.2, 0.2, 0.2))
    near, far = (scores_of(AttackResponse(eps=eps), model, tiles) for eps in (0.005, 0.02))
    for name in ("kl", "feature_distance"):
        assert far[name].mean() > 2 * near[name].mean() > 0

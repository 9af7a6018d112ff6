"""A linear model on mean pooling: what every explainer of bags says can be written down."""

import pytest
import torch

from tasks.explainers.base import Explainer
from tasks.explainers.contribution import Contribution
from tasks.explainers.drop_one import DropOne
from tasks.explainers.fusiongrad import FusionGrad
from tasks.explainers.gradient import Gradient
from tasks.explainers.gradient_x_input import GradientXInput
from tasks.explainers.integrated_gradients import IntegratedGradients
from tasks.explainers.keep_one import KeepOne
from tasks.explainers.smoothgrad import SmoothGrad
from tasks.explaining.batch import BatchExplainer
from tasks.functional.leave_as_found import leave_as_found
from tasks.models.mil.mean_pool import MeanPool
from tests._support.bags import SIZES, bag_network, keys_and_targets, ragged

TARGETS, KEYS = keys_and_targets(len(SIZES))
COUNTS = torch.tensor(SIZES)[:, None]


def worth() -> torch.Tensor:
    """w.x_k of each tile, [B, N], with x as the head sees it and w the direction of the margin."""
    network, bags = bag_network(MeanPool()), ragged()
    head = network.network.head.weight.detach()
    weight = torch.stack([head[t] - head[1 - t] for t in TARGETS.tolist()])
    values = (network.normalised(bags.features) @ weight[:, :, None])[:, :, 0]
    return values.masked_fill(~bags.mask, 0.0)


def explained(explainer: Explainer) -> torch.Tensor:
    return explainer(bag_network(MeanPool()), ragged(), TARGETS, KEYS)


@pytest.mark.parametrize(
    "explainer",
    [
        Contribution(),
        GradientXInput(),
        IntegratedGradients(steps=1),
        IntegratedGradients(steps=7),
    ],
    ids=lambda explainer: f"{explainer.id}{getattr(explainer, 'steps', '')}",
)
def test_it_is_the_worth_of_the_tile_over_the_number_of_tiles(explainer):
    torch.testing.assert_close(explained(explainer), worth() / COUNTS, rtol=1e-4, atol=1e-6)


def test_a_tile_alone_is_worth_all_of_it():
    torch.testing.assert_close(explained(KeepOne()), worth(), rtol=1e-4, atol=1e-6)


def test_without_a_tile_the_mean_moves_towards_the_others():
    tiles = worth()
    mean = tiles.sum(1, keepdim=True) / COUNTS
    expected = (mean - (tiles.sum(1, keepdim=True) - tiles) / (COUNTS - 1)).masked_fill(~ragged().mask, 0.0)
    torch.testing.assert_close(explained(DropOne()), expected, rtol=1e-4, atol=1e-6)


def test_the_gradient_has_the_length_of_the_weight_everywhere():
    network = bag_network(MeanPool())
    length = (network.network.head.weight[1] - network.network.head.weight[0]).norm().detach()
    expected = (length / COUNTS).expand(ragged().mask.shape).masked_fill(~ragged().mask, 0.0)
    torch.testing.assert_close(explained(Gradient()), expected)
    assert not Gradient().signed_for("features")
    assert Gradient().signed_for("pixels")


@pytest.mark.parametrize("explainer", [Contribution(), IntegratedGradients(steps=1)])
def test_nothing_is_missing(explainer):
    network, bags = bag_network(MeanPool()), ragged()
    with leave_as_found(network), torch.no_grad():
        explaining = BatchExplainer(explainer, network, batch=8)
        scores = explaining.maps(bags, TARGETS, KEYS)
        assert explaining.completeness_errors(bags, TARGETS, scores).abs().max() < 1e-5


def test_noise_on_features_changes_no_gradient_of_a_linear_model():
    smooth = SmoothGrad(samples=3, sigma=0.5)
    torch.testing.assert_close(explained(smooth), explained(Gradient()))
    # Of the contributions it changes each draw, by what the noise on the tile is worth; the mean is near.
    many = SmoothGrad(base=Contribution(), samples=200, sigma=0.5)
    spread = bag_network(MeanPool()).network.head.weight.detach().diff(dim=0).norm() * 0.5
    apart = (explained(many) - explained(Contribution())).abs() * COUNTS
    assert 0 < apart.max() < 4.5 * spread / 200**0.5


def test_fusiongrad_uses_half_of_the_noise():
    """On features, of a linear model: the base with half of sigma on the same weights."""
    fused = FusionGrad(base=GradientXInput(), sigma=1e-9, input_sigma=0.6, draws=1, samples=3)
    smooth = SmoothGrad(base=GradientXInput(), sigma=0.3, samples=3)
    torch.testing.assert_close(explained(fused), explained(smooth), rtol=1e-4, atol=1e-5)

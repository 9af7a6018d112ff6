"""The gradient explainer."""

import pytest
import torch
from captum.attr import Saliency

from tasks.explainers.gradient import Gradient
from tests._support.small_networks import LinearNetwork, small_network

KEYS = torch.arange(4)


def test_of_a_linear_model_it_is_the_weight():
    weight = torch.randn(3, 8, 8)
    maps = Gradient()(LinearNetwork(weight), torch.rand(4, 3, 8, 8), torch.ones(4, dtype=torch.int64), KEYS)
    torch.testing.assert_close(maps, weight.sum(0).expand(4, -1, -1))


def test_the_other_class_of_two_has_the_opposite_map():
    model, images = small_network(), torch.rand(4, 3, 16, 16)
    one, zero = (Gradient()(model, images, torch.full((4,), t), KEYS) for t in (1, 0))
    torch.testing.assert_close(one, -zero)


@pytest.mark.parametrize("reduce", ["sum", "l2", "abs_mean"])
def test_it_agrees_with_captum_on_the_margin(reduce):
    model, images = small_network(classes=3), torch.rand(4, 3, 16, 16)
    targets = torch.tensor([0, 2, 1, 2])
    ours = Gradient(reduce=reduce)(model, images, targets, KEYS)
    model.eval()

    def margin(batch: torch.Tensor) -> torch.Tensor:
        logits = model(batch)
        chosen = logits[torch.arange(4), targets]
        return chosen - (logits.sum(1) - chosen) / 2

    theirs = Saliency(margin).attribute(images, abs=False)
    known = {"sum": theirs.sum(1), "l2": theirs.norm(dim=1), "abs_mean": theirs.abs().mean(1)}
    torch.testing.assert_close(ours, known[reduce])

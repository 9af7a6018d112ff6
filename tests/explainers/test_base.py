"""What an explainer says of its maps."""

import pytest

from tasks.explainers.gradient import Gradient
from tasks.explainers.integrated_gradients import IntegratedGradients
from tasks.explainers.random_map import RandomMap
from tasks.explainers.shuffled_map import ShuffledMap
from tasks.explainers.smoothgrad import SmoothGrad
from tasks.explainers.untrained_network import UntrainedNetwork


@pytest.mark.parametrize(
    ("explainer", "kind"),
    [
        (Gradient(), "sensitivity"),
        (IntegratedGradients(), "contribution"),
        (SmoothGrad(), "sensitivity"),
        (SmoothGrad(base=IntegratedGradients()), "contribution"),
        (UntrainedNetwork(base=IntegratedGradients()), "contribution"),
        (ShuffledMap(base=SmoothGrad(base=IntegratedGradients())), "contribution"),
        (RandomMap(), "sensitivity"),
    ],
    ids=lambda value: "" if isinstance(value, str) else value.name,
)
def test_maps_are_of_the_kind_of_the_explainer_that_makes_them(explainer, kind):
    assert explainer.map_kind == kind

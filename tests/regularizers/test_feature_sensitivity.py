"""On mean pooling the penalty is known: the squared weights of the margin, whatever the size of the bag."""

import pytest
import torch

from tasks.models.mil.mean_pool import MeanPool
from tasks.regularizers.feature_sensitivity import FeatureSensitivity
from tests._support.training_steps import make_arm, make_step, random_bags, tiny_bag_classifier


def settled(method, model, batch=None):
    step = make_step(model, make_arm(method), batch)
    step.settled = True
    return step


def test_it_is_the_squared_weights_of_the_margin():
    """Features are normalised inside by their spread, so in units of spread the weights are the head's."""
    method = FeatureSensitivity(weight=2, warmup=0, ramp=0)
    step = settled(method, tiny_bag_classifier(model=MeanPool()))
    terms, _ = method.loss_terms(step, {})
    weight = step.model.network.head.weight
    torch.testing.assert_close(terms["norm"], 2 * (weight[1] - weight[0]).square().sum())


def test_it_is_that_of_finite_differences():
    method = FeatureSensitivity(weight=1, warmup=0, ramp=0)
    model, batch = tiny_bag_classifier().double(), random_bags(1)
    batch = type(batch)(batch.images.double(), batch.labels, batch.positions, 100, batch.mask)
    step = settled(method, model, batch)
    terms, _ = method.loss_terms(step, {})
    total = 0.0
    for feature in range(5):
        moved = torch.zeros_like(batch.images)
        moved[0, 0, feature] = 1e-5 * model.std[feature]
        margins = [step.logits_of(batch.images + sign * moved).detach() for sign in (1, -1)]
        slope = sum(sign * (m[0, 0] - m[0, 1]) for sign, m in zip((1, -1), margins, strict=True)) / 2e-5
        total += float(slope) ** 2
    assert batch.mask.sum() == 1
    assert float(terms["norm"]) == pytest.approx(total, rel=1e-4)


def test_descending_on_it_lowers_it():
    method = FeatureSensitivity(weight=1, warmup=0, ramp=0)
    model = tiny_bag_classifier()
    optimizer, found = torch.optim.SGD(model.parameters(), lr=0.1), []
    for _ in range(5):
        terms, _ = method.loss_terms(settled(method, model), {})
        found.append(float(terms["norm"]))
        optimizer.zero_grad()
        torch.autograd.backward(terms["norm"], inputs=list(model.parameters()))
        optimizer.step()
    assert found == sorted(found, reverse=True)

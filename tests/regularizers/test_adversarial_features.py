"""Attacked features stay in their budget, raise the loss, and on a linear model are the worst there are."""

import pytest
import torch
import torch.nn.functional as F

from tasks.models.mil.mean_pool import MeanPool
from tasks.regularizers.adversarial_features import AdversarialFeatures
from tests._support.training_steps import FEATURE_STD, make_arm, make_step, random_bags, tiny_bag_classifier


def settled(method, model=None):
    step = make_step(model or tiny_bag_classifier(), make_arm(method), random_bags())
    step.generator, step.settled = torch.Generator().manual_seed(0), True
    return step


@pytest.mark.parametrize("steps", [1, 4])
def test_features_stay_in_the_budget_and_the_loss_rises(steps):
    method = AdversarialFeatures(eps=0.2, steps=steps)
    step = settled(method)
    moved = method.attacked(step)
    assert ((moved - step.images).abs() <= 0.2 * FEATURE_STD * (1 + 1e-5)).all()
    before, after = (
        F.cross_entropy(step.logits_of(each), step.labels, reduction="none") for each in (step.images, moved)
    )
    assert (after > before).all()


def test_one_step_on_a_linear_model_is_the_worst_there_is():
    """Mean pooling is linear: each feature moves by its budget against the margin of the label."""
    method = AdversarialFeatures(eps=0.2)
    step = settled(method, tiny_bag_classifier(model=MeanPool()))
    weight = step.model.network.head.weight
    worth = (weight[1] - weight[0]) * (2 * step.labels - 1)[:, None]
    expected = -0.2 * FEATURE_STD * worth.sign()[:, None] * step.mask[:, :, None]
    torch.testing.assert_close(method.attacked(step) - step.images, expected)


def test_the_clean_and_the_attacked_loss_are_mixed():
    method = AdversarialFeatures(mix=0.3, warmup=0)
    step = settled(method)
    weights, _ = method.sample_weights(step, {})
    assert weights.tolist() == [pytest.approx(0.3)] * 8
    terms, _ = method.loss_terms(step, {})
    attacked = F.cross_entropy(step.forward(method.attacked(step)).logits, step.labels)
    torch.testing.assert_close(terms["adversarial"], 0.7 * attacked)
    assert step.notes["perturbation"] == pytest.approx(0.1, rel=1e-4)


def test_nothing_is_attacked_before_the_warm_up_is_over():
    method = AdversarialFeatures(warmup=0.95)
    step = settled(method)
    assert method.sample_weights(step, {})[0] is None
    assert method.loss_terms(step, {})[0] == {}

"""Noise on features has the size that it says, in units of each feature's spread."""

import torch

from tasks.regularizers.feature_noise import FeatureNoise
from tests._support.training_steps import FEATURE_STD, make_arm, make_step, random_bags, tiny_bag_classifier


def test_the_noise_is_a_share_of_each_features_spread():
    method = FeatureNoise(sigma=0.5)
    step = make_step(tiny_bag_classifier(), make_arm(method), random_bags(400))
    step.generator = torch.Generator().manual_seed(0)
    noisy, _ = method.inputs(step, {})
    found = (noisy - step.images).flatten(0, 1).std(0)
    torch.testing.assert_close(found, 0.5 * FEATURE_STD, rtol=0.05, atol=0)


def test_padding_may_be_noisy_as_nobody_sees_it():
    method = FeatureNoise()
    step = make_step(tiny_bag_classifier(), make_arm(method))
    step.generator = torch.Generator().manual_seed(0)
    noisy, _ = method.inputs(step, {})
    cleaned = torch.where(step.mask[:, :, None], noisy, 0.0)
    torch.testing.assert_close(step.forward(noisy).logits, step.forward(cleaned).logits)

"""Attacks on a linear network, where the best answer is known."""

import torch

from tasks.functional.attack import ascend, within

WEIGHT = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(0))


def linear(images):
    margin = (images * WEIGHT).sum((1, 2, 3))
    return torch.stack([torch.zeros_like(margin), margin], 1)


def grey(count=5):
    return torch.full((count, 3, 4, 4), 0.5)


def test_on_a_linear_network_every_pixel_goes_to_the_end_of_its_budget():
    moved = ascend(linear, grey(), grey(), 0.1, [lambda logits: logits[:, 1]] * 3)
    assert torch.allclose(moved, 0.5 + 0.1 * WEIGHT.sign().expand(5, -1, -1, -1))
    assert not moved.requires_grad


def test_each_pixel_has_a_budget_of_its_own_and_none_stays():
    budget = torch.rand(5, 1, 4, 4, generator=torch.Generator().manual_seed(1)) * 0.2
    budget[:, :, 0] = 0
    moved = ascend(linear, grey(), grey(), budget, [lambda logits: logits[:, 1]] * 2)
    assert torch.allclose((moved - 0.5).abs(), budget.expand(5, 3, 4, 4), atol=1e-6)


def test_a_step_and_an_image_count_one_pass_each():
    seen = []

    def counted(images):
        seen.append(len(images))
        return linear(images)

    ascend(counted, grey(), grey(), 0.1, [lambda logits: logits[:, 1]] * 4)
    assert seen == [5] * 4


def test_the_gain_is_computed_in_double():
    types = []

    def gain(logits):
        types.append(logits.dtype)
        return logits[:, 1]

    ascend(linear, grey(), grey(), 0.1, [gain])
    assert types == [torch.float64]


def test_white_stays_white():
    white = torch.ones(1, 3, 4, 4)
    assert within(white + 0.05, white, 0.1).max() == 1

"""The angle between two arrays: right for any size, blind to it, and no way out by having none."""

import pytest
import torch
import torch.nn.functional as F

from tasks.functional.cosine import cosine_distance


def maps(seed, count=6):
    return torch.rand(count, 5, 3, 3, generator=torch.Generator().manual_seed(seed))


def test_the_distance_is_one_less_the_cosine():
    cosine = F.cosine_similarity(maps(0).flatten(1), maps(1).flatten(1))
    assert torch.allclose(cosine_distance(maps(0), maps(1)), 1 - cosine, atol=1e-6)
    one, two = torch.tensor([[[[3.0]], [[0.0]]]]), torch.tensor([[[[2.0]], [[2.0]]]])
    assert cosine_distance(one, two).item() == pytest.approx(1 - 0.5**0.5, abs=1e-6)
    assert torch.equal(cosine_distance(maps(0), maps(0)), torch.zeros(6))


def test_a_small_angle_is_not_lost():
    """1 - cos of an angle of 1e-4 is 5e-9, which float32 cannot subtract from 1."""
    one, two = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 1e-4]])
    assert cosine_distance(one, two).item() == pytest.approx(5e-9, rel=1e-3)
    assert F.cosine_similarity(one, two).item() == 1


@pytest.mark.parametrize("scale", [2.0**-120, 1e-30, 1e-12, 1e-4, 1e5, 1e30])
def test_the_distance_does_not_know_the_scale(scale):
    """Also not where the squares of the features, or a constant in the norm, would drown them."""
    expected = cosine_distance(maps(0), maps(1))
    assert torch.allclose(cosine_distance(scale * maps(0), scale * maps(1)), expected, rtol=1e-5)
    assert torch.allclose(cosine_distance(scale * maps(0), maps(1)), expected, rtol=1e-5)


def test_shrinking_gains_nothing():
    """The distance is flat along every ray: its gradient never points to the origin."""
    features = maps(0).requires_grad_()
    (gradient,) = torch.autograd.grad(cosine_distance(features, maps(1)).sum(), features)
    along = (gradient * features).flatten(1).sum(1)
    assert (along.abs() < 1e-5 * gradient.flatten(1).norm(dim=1)).all()
    assert gradient.abs().max() > 0.01


def test_a_row_of_zeros_is_at_distance_one_and_gets_a_gradient_of_zero():
    alive, dead = maps(0).requires_grad_(), torch.zeros(6, 5, 3, 3, requires_grad=True)
    for first, second in ((dead, dead), (alive, dead), (dead, alive)):
        distance = cosine_distance(first, second)
        assert torch.allclose(distance, torch.ones(6), atol=1e-6)
        gradients = torch.autograd.grad(distance.sum(), {first, second}, allow_unused=True)
        assert all(torch.isfinite(each).all() and each.abs().max() < 1e-5 for each in gradients)
    assert (cosine_distance(alive, maps(1)) < 1).all()


def test_of_bfloat16_it_is_computed_in_float32():
    features, others = maps(0).bfloat16(), maps(1).bfloat16()
    distance = cosine_distance(features, others)
    assert distance.dtype == torch.float32
    assert torch.equal(distance, cosine_distance(features.float(), others.float()))


def test_its_gradient_agrees_with_finite_differences():
    pair = (maps(0, 2).double().requires_grad_(), maps(1, 2).double().requires_grad_())
    assert torch.autograd.gradcheck(cosine_distance, pair)

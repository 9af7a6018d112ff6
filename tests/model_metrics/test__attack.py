import pytest
import torch
from torch.nn.functional import cross_entropy

from tasks.functional.tile_keys import tile_keys
from tasks.model_metrics._attack import Attack, moved_away
from tests._support.small_networks import LinearNetwork, small_network

ATTACK = Attack(eps=8 / 255, steps=3, seed=0)
KEYS = tile_keys([f"s/{i}" for i in range(6)])


@pytest.fixture
def images():
    return torch.rand(6, 3, 12, 12, generator=torch.Generator().manual_seed(0))


def test_a_linear_network_is_moved_to_the_corner_of_the_budget(images):
    weight = torch.randn(3, 12, 12, generator=torch.Generator().manual_seed(1))
    images = 0.25 + images / 2
    classes = torch.tensor([0, 1] * 3)
    moved = moved_away(LinearNetwork(weight), images, classes, KEYS, ATTACK)
    away = torch.where(classes == 0, 1.0, -1.0)[:, None, None, None] * weight.sign()
    torch.testing.assert_close(moved, images + ATTACK.eps * away)


def test_no_value_leaves_the_budget_or_the_range_of_pixels(images):
    images = images.round(decimals=1)
    moved = moved_away(small_network().eval(), images, torch.zeros(6, dtype=torch.int64), KEYS, ATTACK)
    assert (moved - images).abs().max() <= ATTACK.eps + 1e-6
    assert moved.min() == 0
    assert moved.max() == 1
    assert (moved != images).double().mean() > 0.5


def test_a_batch_of_six_is_six_batches_of_one(images):
    model, classes = small_network().eval(), torch.tensor([0, 1] * 3)
    whole = moved_away(model, images, classes, KEYS, ATTACK)
    alone = [moved_away(model, images[[i]], classes[[i]], KEYS[[i]], ATTACK) for i in range(6)]
    torch.testing.assert_close(torch.cat(alone), whole, atol=1e-6, rtol=0)


def test_the_start_follows_the_key_and_the_seed(images):
    """A network without a gradient leaves the start where it was drawn."""
    model, classes = LinearNetwork(torch.zeros(3, 12, 12)), torch.zeros(6, dtype=torch.int64)
    start = moved_away(model, images, classes, KEYS, ATTACK)
    assert torch.equal(moved_away(model, images, classes, KEYS, ATTACK), start)
    others = (KEYS.flip(0), ATTACK), (KEYS, Attack(ATTACK.eps, ATTACK.steps, seed=1))
    for keys, attack in others:
        assert not torch.equal(moved_away(model, images, classes, keys, attack), start)


def test_a_sure_network_is_attacked_as_well_as_an_unsure_one(images):
    """Trap: where the softmax saturates the cross-entropy has no gradient and nothing would move."""
    weight = torch.randn(3, 12, 12, generator=torch.Generator().manual_seed(1))
    sure, unsure = LinearNetwork(1e4 * weight), LinearNetwork(weight)
    classes = unsure(images).argmax(1)
    leaf = images.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(cross_entropy(sure(leaf), classes), leaf)
    assert gradient.abs().max() == 0
    moved = [moved_away(model, images, classes, KEYS, ATTACK) for model in (sure, unsure)]
    assert torch.equal(*moved)

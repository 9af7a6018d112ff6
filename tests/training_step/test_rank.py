"""Every regularizer gives the same gradients and states in two processes as in one."""

import pytest
import torch
from torch import nn

from tasks.training_step.batchnorm import over_whole_batch
from tasks.training_step.rank import ALONE, Rank
from tests._support.shared_steps import NAMES, OF_BAGS, steps_of_all
from tests._support.training_steps import make_arm, make_step, random_batch, tiny_classifier
from tests._support.two_processes import in_two_processes


@pytest.fixture(scope="module")
def halves(tmp_path_factory):
    return in_two_processes(steps_of_all, tmp_path_factory.mktemp("halves"))


@pytest.fixture(scope="module")
def whole():
    return steps_of_all()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_two_processes_do_what_one_does(name, halves, whole):
    """Gradients through BatchNorm and gradients of gradients, noise, attacks, running statistics, states."""
    first, second = (half[name] for half in halves)
    assert set(first) == {*whole[name]} | set(second)
    for key, value in second.items():
        assert torch.equal(first[key], value), f"{key} differs between the processes"
        assert torch.allclose(whole[name][key].double(), value.double(), rtol=1e-6, atol=1e-7), key
    first_layer = "embed" if name in OF_BAGS else "bn1"
    assert any(
        key.startswith(f"gradient.network.{first_layer}") and bool(v.any()) for key, v in second.items()
    )


@pytest.mark.slow
def test_no_process_waits_for_another_in_eval_mode_or_outside_a_step(halves):
    model, images = tiny_classifier(), random_batch().images
    alone = torch.stack([model.eval()(images), model.train()(images)])
    assert torch.allclose(halves[0]["standard"]["alone"], alone, atol=1e-6)


def test_a_share_is_a_part_in_order_of_rank():
    whole = torch.arange(12).view(6, 2)
    assert torch.equal(torch.cat([Rank(rank, 3).of(whole) for rank in range(3)]), whole)
    assert ALONE.of(whole) is whole
    assert ALONE.first
    assert not Rank(1, 2).first


def test_alone_nothing_is_asked_of_others():
    values = torch.rand(3, 2, requires_grad=True)
    assert torch.equal(ALONE.mean(values), values.detach())
    assert torch.equal(ALONE.collect(values), values[None])
    layer = nn.BatchNorm2d(3)
    with over_whole_batch(layer, ALONE):
        assert "forward" not in vars(layer)


def test_noise_is_drawn_for_the_whole_batch():
    def drawn(rank, images):
        step = make_step(tiny_classifier(), make_arm(), random_batch(images))
        step.rank, step.generator = rank, torch.Generator().manual_seed(0)
        return step.normal(), step.uniform(step.labels), step.normal(step.images[:, 0])

    whole = drawn(ALONE, 8)
    halves = [drawn(Rank(rank, 2), 4) for rank in range(2)]
    for one, *parts in zip(whole, *halves, strict=True):
        assert torch.equal(one, torch.cat(parts))


def test_layers_are_as_before_after_an_exception():
    layer = nn.BatchNorm2d(3)
    with over_whole_batch(layer, Rank(0, 2)):
        assert "forward" in vars(layer)
    with pytest.raises(ValueError, match="4D"), over_whole_batch(layer.eval(), Rank(0, 2)):
        layer(torch.rand(2, 3))
    assert "forward" not in vars(layer)
    assert set(layer.state_dict()) == set(nn.BatchNorm2d(3).state_dict())

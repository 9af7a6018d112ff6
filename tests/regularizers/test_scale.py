"""The running scale of activations: what it is, and what it does not let a network gain."""

import threading

import pytest
import torch

from tasks.regularizers._scale import RENEWED, channel_scales
from tasks.training_step.step import Step
from tests._support.staged import repeated_batch
from tests._support.training_steps import make_arm, make_step, tiny_classifier


def a_step():
    return make_step(tiny_classifier(), make_arm())


def some_map(seed=0, shape=(6, 3, 2, 2), **options):
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(shape, generator=generator, dtype=torch.float64) * 3 + 7).requires_grad_(**options)


def test_scale_is_the_deviation_over_images_and_positions():
    values = some_map()
    (scale,), state = channel_scales(a_step(), [values], {})
    expected = values.detach().var((0, 2, 3), unbiased=False)
    assert torch.allclose(state["variance0"], expected)
    assert torch.allclose(scale.squeeze(), expected.sqrt())
    assert scale.shape == (3, 1, 1)


def test_a_raised_mean_does_not_raise_the_scale():
    low, high = (channel_scales(a_step(), [some_map().detach() + shift], {})[0][0] for shift in (0, 100))
    assert torch.allclose(low, high)


def test_later_steps_renew_a_tenth():
    first = some_map().detach()
    step = a_step()
    _, state = channel_scales(step, [first], {})
    kept = state["variance0"].clone()
    (scale,), renewed = channel_scales(step, [10 * first], state)
    expected = (1 - RENEWED) * kept + RENEWED * 100 * kept
    assert torch.allclose(renewed["variance0"], expected)
    assert torch.allclose(scale.squeeze(), expected.sqrt())
    assert torch.equal(state["variance0"], kept)


def test_each_map_is_remembered_by_itself_and_nothing_else_is_forgotten():
    maps = [some_map(), some_map(seed=1, shape=(6, 2, 1, 1))]
    _, state = channel_scales(a_step(), maps, {"other": torch.ones(1)})
    assert {name: len(value) for name, value in state.items()} == {"variance0": 3, "variance1": 2, "other": 1}
    assert not any(value.requires_grad for value in state.values())


def test_its_gradient_is_that_of_the_batch_deviation():
    values = some_map()
    (scale,), _ = channel_scales(a_step(), [values], {})
    (gradient,) = torch.autograd.grad(scale.sum(), values)
    (expected,) = torch.autograd.grad(values.var((0, 2, 3), unbiased=False).sqrt().sum(), values)
    assert torch.allclose(gradient, expected)


def test_in_the_long_run_nothing_is_gained_by_shrinking_and_no_gradient_asks_for_it():
    """The trap of a detached scale: values / scale would keep a gradient towards smaller values."""
    values, state = some_map(), {}
    measured = []
    for factor in (1.0, *[0.1] * 150):
        (scale,), state = channel_scales(a_step(), [factor * values.detach()], state)
        measured.append((factor * values.detach() / scale).square().mean().item())
    assert measured[1] < 0.02 * measured[0]
    assert measured[-1] == pytest.approx(measured[0], rel=1e-4)
    factor = torch.ones((), dtype=torch.float64, requires_grad=True)
    shrunk = factor * values.detach()
    (scale,), _ = channel_scales(a_step(), [shrunk], state)
    (with_scale,) = torch.autograd.grad((shrunk / scale).square().mean(), factor, retain_graph=True)
    (detached,) = torch.autograd.grad((shrunk / scale.detach()).square().mean(), factor)
    assert abs(with_scale) < 1e-9
    assert detached > 1


@pytest.mark.parametrize("constant", ["channel", "all"])
def test_a_dead_channel_is_not_divided_by_nothing(constant):
    values = some_map().detach()
    values[:, 0 if constant == "channel" else slice(None)] = 5.0
    (scale,), _ = channel_scales(a_step(), [values], {})
    assert torch.isfinite(1 / scale).all()
    assert (scale > 0).all()


def test_bfloat16_values_have_a_float32_scale():
    values = some_map(shape=(64, 3, 8, 8)).detach()
    (scale,), _ = channel_scales(a_step(), [values.bfloat16()], {})
    assert scale.dtype == torch.float32
    assert torch.allclose(scale.squeeze(), values.std((0, 2, 3)).float(), rtol=0.01)


class _Half(Step):
    """A step of one of two processes, played by threads: means are taken together."""

    def meet(self, mailbox, place, barrier):
        self.mailbox, self.place, self.barrier = mailbox, place, barrier
        return self

    def mean_over_batch(self, values):
        self.mailbox[self.place] = values.detach().mean(0)
        self.barrier.wait()
        mean = (self.mailbox[0] + self.mailbox[1]) / 2
        self.barrier.wait()
        return mean


def test_two_halves_in_two_processes_have_the_scale_and_the_gradient_of_the_whole():
    images = repeated_batch(tiles=8).images
    weight = torch.randn(3, 3, 1, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def gradient(step, tiles):
        leaf = weight.clone().requires_grad_()
        values = torch.nn.functional.conv2d(tiles, leaf)
        (scale,), state = channel_scales(step, [values], {})
        loss = ((values / scale) ** 4 * tiles[:, :1]).mean()
        return torch.autograd.grad(loss, leaf)[0], state["variance0"]

    whole, variance = gradient(a_step(), images)
    mailbox, barrier, results = {}, threading.Barrier(2, timeout=60), {}

    def work(place):
        base = a_step()
        step = _Half(base.model, base.batch, 1, 0.5).meet(mailbox, place, barrier)
        results[place] = gradient(step, images[4 * place : 4 * place + 4])

    threads = [threading.Thread(target=work, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torch.allclose(results[0][1], variance)
    assert torch.allclose((results[0][0] + results[1][0]) / 2, whole, rtol=1e-9)
    assert not torch.allclose(results[0][0], whole, rtol=1e-3)

import pytest
import torch

from tasks.functional.noise import seed_of
from tasks.functional.weight_noise import WeightNoiseError, named, weight_noise
from tests._support.small_networks import small_network, state_of


def weights_of(model):
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def factors(before, inside):
    return {name: (inside[name] / before[name]).flatten() for name in before}


def test_each_weight_is_multiplied_by_one_plus_sigma_times_its_own_draw():
    model, seed, draw = small_network(), 3, 5
    before = weights_of(model)
    with weight_noise(model, 0.2, seed, draw):
        inside = weights_of(model)
    name = "4.weight"
    generator = torch.Generator().manual_seed(seed_of(seed, draw, name))
    eta = torch.randn(before[name].shape, generator=generator)
    assert torch.equal(inside[name], before[name] * (1 + 0.2 * eta))
    assert all(not torch.equal(inside[n], before[n]) for n in before if before[n].any())


def test_the_law_has_mean_one_and_the_wanted_deviation():
    model = torch.nn.Linear(300, 300)
    torch.nn.init.ones_(model.weight)
    with weight_noise(model, 0.2, 0, 0, ["weight"]):
        found = model.weight.detach().clone()
    # Four standard errors of 90,000 draws.
    assert abs(float(found.mean()) - 1) < 4 * 0.2 / 300
    assert float(found.std()) == pytest.approx(0.2, abs=4 * 0.2 / (300 * 2**0.5))


def test_noise_does_not_compound_over_many_draws():
    """Trap: a package that never goes back to the original weights drifts with every draw."""
    model = small_network()
    for draw in range(25):
        with weight_noise(model, 0.2, 0, draw):
            last = weights_of(model)
    fresh = small_network()
    with weight_noise(fresh, 0.2, 0, 24):
        alone = weights_of(fresh)
    assert all(torch.equal(last[name], alone[name]) for name in last)


def test_sigma_scales_one_and_the_same_draw():
    model = small_network()
    before = weights_of(model)
    found = []
    for sigma in (0.1, 0.3):
        with weight_noise(model, sigma, 1, 2, ["8.weight"]):
            found.append((factors(before, weights_of(model))["8.weight"] - 1) / sigma)
    assert torch.allclose(found[0], found[1], atol=1e-4)


def test_a_parameter_has_the_same_draw_alone_and_in_company_and_others_stay():
    model = small_network()
    before = weights_of(model)
    with weight_noise(model, 0.2, 1, 0):
        company = weights_of(model)
    with weight_noise(model, 0.2, 1, 0, ["4.weight", "8.bias"]):
        chosen = weights_of(model)
    for name in before:
        expected = company if name in ("4.weight", "8.bias") else before
        assert torch.equal(chosen[name], expected[name])


def test_draws_seeds_and_parameters_differ():
    model = torch.nn.Sequential(torch.nn.Linear(4, 4, bias=False), torch.nn.Linear(4, 4, bias=False))
    before = weights_of(model)
    found = []
    for seed, draw in ((0, 0), (0, 1), (1, 0)):
        with weight_noise(model, 0.2, seed, draw):
            found += factors(before, weights_of(model)).values()
    assert all(not torch.allclose(a, b) for i, a in enumerate(found) for b in found[:i])


def test_all_is_left_as_found():
    """Trap: restoring from a shallow copy of the state, which is the noisy weights themselves."""
    model = small_network().to(memory_format=torch.channels_last)
    before = state_of(model)
    strides = [p.stride() for p in model.parameters()]
    with weight_noise(model, 0.2, 0, 0):
        assert state_of(model)["weights"] != before["weights"]
    assert state_of(model) == before
    assert [p.stride() for p in model.parameters()] == strides


def test_all_is_left_as_found_also_after_an_exception():
    model = small_network()
    before = state_of(model)
    with pytest.raises(ZeroDivisionError), weight_noise(model, 0.2, 0, 0):
        raise ZeroDivisionError
    assert state_of(model) == before


def test_weights_that_no_arithmetic_brings_back_are_brought_back():
    """Trap: dividing the noise out again loses bits, and infinities for good."""
    model = torch.nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[float("inf"), -0.0], [1e-45, float("nan")]]))
    before = model.weight.detach().numpy().tobytes()
    with weight_noise(model, 0.5, 0, 0):
        pass
    assert model.weight.detach().numpy().tobytes() == before


def test_buffers_stay_and_generators_too():
    model = small_network()
    before = state_of(model)
    buffers = [b.clone() for b in model.buffers()]
    with weight_noise(model, 0.2, 0, 0):
        assert all(torch.equal(a, b) for a, b in zip(buffers, model.buffers(), strict=True))
        assert state_of(model)["torch"] == before["torch"]


def test_a_backward_pass_after_the_block_is_refused():
    """Trap: it would pass the gradient through other weights than the forward pass went through."""
    model = small_network().eval()
    images = torch.rand(1, 3, 8, 8, requires_grad=True)
    with weight_noise(model, 0.2, 0, 0):
        logits = model(images)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        logits.sum().backward()


def test_no_noise_changes_nothing():
    model = small_network()
    before = state_of(model)
    with weight_noise(model, 0.0, 0, 0):
        assert state_of(model) == before
    assert state_of(model) == before


@pytest.mark.parametrize("sigma", [-0.1, float("nan"), float("inf")])
def test_a_sigma_that_is_no_deviation_is_refused(sigma):
    with (
        pytest.raises(WeightNoiseError, match="finite number of at least 0"),
        weight_noise(small_network(), sigma, 0, 0),
    ):
        pass


def test_a_name_that_is_no_parameter_is_refused():
    with pytest.raises(WeightNoiseError, match=r"no parameter '1.running_mean'; it has 0.weight"):
        named(small_network(), ["0.weight", "1.running_mean"])

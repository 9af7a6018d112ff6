"""NoiseGrad over any base."""

import copy
import weakref
from typing import ClassVar

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from tasks.explainers.base import ExplanationError
from tasks.explainers.fusiongrad import FusionGrad
from tasks.explainers.gradient import Gradient
from tasks.explainers.noisegrad import NoiseGrad
from tasks.explainers.smoothgrad import SmoothGrad
from tasks.explainers.untrained_network import UntrainedNetwork
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.noise import derived_keys, seed_of
from tasks.functional.passes import Passes
from tests._support.naive_noise import naive_noisegrad, noisy_copy
from tests._support.small_networks import FailingNetwork, LinearNetwork, small_network, state_of

KEYS = torch.arange(3)
ONES = torch.ones(3, dtype=torch.int64)
IMAGES = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
WEIGHT = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(1))
INPUTS = (IMAGES, ONES, KEYS)


class Copying(Gradient):
    """A base that works on a copy made at preparation, as methods with rules or caches do."""

    def prepare(self, model: nn.Module) -> nn.Module:
        return copy.deepcopy(model)


class Watched(Gradient):
    """A base that counts how many of its maps are alive at once."""

    alive: ClassVar[list[weakref.ref]] = []
    most: ClassVar[list[int]] = []

    def attribute(self, model, images, targets, tile_keys):
        maps = super().attribute(model, images, targets, tile_keys)
        self.alive.append(weakref.ref(maps))
        self.most.append(sum(one() is not None for one in self.alive))
        return maps


class SpyingNetwork(nn.Module):
    """Remembers the weights of each pass, which count from ones; raises after ``calls`` passes."""

    def __init__(self, calls: int = 1000, error: type[BaseException] = KeyboardInterrupt) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3, 100, 100))
        self.seen: list[Tensor] = []
        self.left, self.error = calls, error

    def forward(self, images: Tensor) -> Tensor:
        if self.left == 0:
            raise self.error
        self.left -= 1
        self.seen.append(self.weight.detach().clone())
        margin = (images * self.weight).sum((1, 2, 3))
        return torch.stack([torch.zeros_like(margin), margin], dim=1)


@pytest.mark.parametrize("seed", [0, 5])
def test_it_agrees_with_one_image_at_a_time_and_weights_reloaded(seed):
    model = small_network()
    maps = NoiseGrad(sigma=0.2, draws=4, seed=seed)(model, *INPUTS)
    torch.testing.assert_close(maps, naive_noisegrad(model, INPUTS, 0.2, seed, 4), rtol=1e-6, atol=1e-6)
    assert not torch.allclose(maps, Gradient()(model, *INPUTS), atol=1e-3)


def test_of_a_linear_model_mean_and_variance_tend_to_the_closed_form():
    """The map is the sum over channels of w (1 + sigma e): mean sum w, variance sigma^2 sum w^2."""
    model, draws, sigma = LinearNetwork(WEIGHT), 400, 0.3
    explainer = NoiseGrad(sigma=sigma, draws=draws)
    with leave_as_found(model), torch.no_grad():
        mean, variance = explainer.attribute_with_variance(model, *INPUTS)
    expected = sigma**2 * WEIGHT.square().sum(0)
    z = (mean[0] - WEIGHT.sum(0)) / (expected / draws).sqrt()
    assert abs(z.mean()) < 4 / z.numel() ** 0.5
    assert z.std().item() == pytest.approx(1, abs=0.2)
    ratio = variance[0] / expected
    assert ratio.mean().item() == pytest.approx(1, abs=4 * (2 / draws / ratio.numel()) ** 0.5 + 1 / draws)
    assert ratio.std().item() == pytest.approx((2 / draws) ** 0.5, rel=0.25)
    assert torch.equal(mean[0], mean[1])


def test_noise_never_compounds():
    """Trap: the public package noises what is noisy already; after 25 draws its factors spread by 1.26."""
    model, sigma = SpyingNetwork(), 0.2
    NoiseGrad(sigma=sigma, draws=25)(model, torch.rand(1, 3, 100, 100), ONES[:1], KEYS[:1])
    compounded = ((1 + sigma**2) ** 25 - 1) ** 0.5
    assert compounded > 1.2
    for seen in (model.seen[0], model.seen[-1]):
        assert seen.std().item() == pytest.approx(sigma, rel=0.03)
        assert seen.mean().item() == pytest.approx(1, abs=0.005)
    first, last = model.seen[0].flatten(), model.seen[-1].flatten()
    assert abs(torch.corrcoef(torch.stack([first, last]))[0, 1]) < 0.03


def test_all_images_and_batches_see_the_same_networks():
    model = SpyingNetwork()
    explainer = NoiseGrad(sigma=0.2, draws=3)
    images = torch.rand(4, 3, 100, 100)
    for part in (slice(0, 1), slice(1, 4)):
        explainer(
            model, images[part], torch.ones(len(images[part]), dtype=torch.int64), torch.arange(4)[part]
        )
    assert len(model.seen) == 6
    assert all(torch.equal(a, b) for a, b in zip(model.seen[:3], model.seen[3:], strict=True))


@pytest.mark.parametrize("kind", [NoiseGrad, FusionGrad])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("calls", [0, 3])
def test_weights_are_restored_bit_for_bit_when_it_is_stopped(kind, error, calls):
    model = SpyingNetwork(calls, error)
    with torch.no_grad():
        model.weight.copy_(torch.randn(3, 100, 100) * 1e-3)
    before = model.weight.detach().numpy().tobytes()
    explainer = kind(sigma=0.9, draws=4)
    inputs = (torch.rand(1, 3, 100, 100), ONES[:1], KEYS[:1])
    with leave_as_found(model), torch.no_grad():
        try:
            explainer.attribute(explainer.prepare(model), *inputs)
        except error:
            # While the exception is still being looked at, not once somebody has let go of it.
            assert model.weight.detach().numpy().tobytes() == before
        else:
            pytest.fail("it was to be stopped")
    assert len(model.seen) == calls


def test_the_whole_model_is_as_it_was_after_a_whole_run():
    model = small_network()
    before = state_of(model)
    NoiseGrad(sigma=0.9, draws=7)(model, *INPUTS)
    assert state_of(model) == before


def test_tied_weights_are_noised_once():
    model = nn.Sequential(nn.Flatten(), nn.Linear(768, 768, bias=False), nn.Linear(768, 768, bias=False))
    model[2].weight = model[1].weight
    model.append(nn.Linear(768, 2))
    maps = NoiseGrad(sigma=0.1, draws=2)(model, *INPUTS)
    torch.testing.assert_close(maps, naive_noisegrad(model, INPUTS, 0.1, 0, 2), rtol=1e-5, atol=1e-6)


def test_the_base_is_prepared_anew_for_each_draw():
    """Trap: what a base made of the clean network would give maps without any noise."""
    model = small_network()
    plain, copying = (NoiseGrad(base=base, sigma=0.2, draws=3) for base in (Gradient(), Copying()))
    assert torch.equal(copying(model, *INPUTS), plain(model, *INPUTS))


def test_a_base_with_noise_of_its_own_draws_anew_for_each_network():
    model = small_network()
    inner = SmoothGrad(samples=2, sigma=0.2)
    maps = NoiseGrad(base=inner, sigma=0.2, draws=3)(model, *INPUTS)
    drawn = [
        inner(noisy_copy(model, 0.2, 0, draw), IMAGES, ONES, derived_keys(0, KEYS, draw)) for draw in range(3)
    ]
    torch.testing.assert_close(maps, torch.stack(drawn).mean(0), rtol=1e-5, atol=1e-6)


def test_the_mean_of_magnitudes_by_choice():
    """Of a linear model with weights 1 and large noise: E|1 + 2 e| is 1.79, |E(1 + 2 e)| is 1."""
    weight = torch.zeros(3, 16, 16)
    weight[0] = 1.0
    explainer = NoiseGrad(sigma=2.0, draws=500, average="magnitude")
    maps = explainer(LinearNetwork(weight), *INPUTS)
    assert maps.mean().item() == pytest.approx(1.7914, abs=4 * 0.89 / (500 * 256) ** 0.5)
    assert not explainer.signed_maps


def test_only_the_chosen_parameters_are_noised():
    model = small_network()
    head = copy.deepcopy(model)
    name, (sigma, draws) = "8.weight", (0.4, 3)
    maps = NoiseGrad(sigma=sigma, draws=draws, parameters="head")(model, *INPUTS)
    drawn = []
    for draw in range(draws):
        generator = torch.Generator().manual_seed(seed_of(0, draw, name))
        clean = model[8].weight.detach()
        noisy = clean * (1 + sigma * torch.randn(clean.shape, generator=generator))
        # The head's bias does not reach the gradient.
        with torch.no_grad():
            head[8].weight.copy_(noisy)
        drawn.append(Gradient()(head, *INPUTS))
    torch.testing.assert_close(maps, torch.stack(drawn).mean(0), rtol=1e-5, atol=1e-6)


def test_memory_does_not_grow_with_the_draws():
    Watched.alive.clear()
    Watched.most.clear()
    NoiseGrad(base=Watched(), sigma=0.1, draws=20)(small_network(), *INPUTS)
    assert len(Watched.most) == 20
    assert max(Watched.most) <= 2


def test_it_costs_draws_times_the_base():
    assert NoiseGrad(draws=7).passes() == Passes(7, 7)
    assert NoiseGrad(draws=7, base=SmoothGrad(samples=3)).passes() == Passes(21, 21)


def test_a_sigma_that_waits_for_its_calibration_is_said_so():
    explainer = NoiseGrad(id="ng")
    assert explainer.uncalibrated is explainer
    with pytest.raises(ExplanationError, match=r"ng.sigma is 'calibrated'.*calibrate it first or set sigma"):
        explainer(small_network(), *INPUTS)
    found = explainer.calibrated(0.25)
    assert found == NoiseGrad(id="ng", sigma=0.25)
    assert found.uncalibrated is None
    assert found.calibrated(0.5) is found


@pytest.mark.parametrize("kind", [NoiseGrad, FusionGrad])
def test_a_calibration_reaches_through_what_holds_it(kind):
    deep = UntrainedNetwork(base=SmoothGrad(base=kind(draws=2), samples=1))
    assert deep.uncalibrated == kind(draws=2)
    found = deep.calibrated(0.2)
    assert found == UntrainedNetwork(base=SmoothGrad(base=kind(draws=2, sigma=0.2), samples=1))
    assert found.uncalibrated is None
    assert Gradient().uncalibrated is None
    assert Gradient().calibrated(0.2) == Gradient()


@pytest.mark.parametrize("kind", [NoiseGrad, FusionGrad])
@pytest.mark.parametrize(
    ("base", "said"),
    [
        ({"name": "random_map"}, "is a control"),
        ({"name": "untrained_network"}, "is a control"),
        ({"name": "noisegrad"}, "noises the weights too"),
        ({"name": "smoothgrad", "base": {"name": "fusiongrad"}}, "noises the weights too"),
    ],
)
def test_a_base_that_makes_no_sense_is_refused(kind, base, said):
    with pytest.raises(ValidationError, match=said):
        kind(base=base)


@pytest.mark.parametrize(
    "wrong",
    [
        {"draws": 0},
        {"sigma": 0.0},
        {"sigma": "auto"},
        {"parameters": "tail"},
        {"drop": 0.0},
        {"drop": 1.0},
        {"calibration_draws": 9},
        {"average": "rms"},
    ],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        NoiseGrad(**wrong)


def test_a_network_that_fails_half_way_is_left_as_found():
    model = FailingNetwork(5)
    before = state_of(model)
    with pytest.raises(ExplanationError, match="on purpose"):
        NoiseGrad(sigma=0.5, draws=8)(model, *INPUTS)
    assert state_of(model) == before

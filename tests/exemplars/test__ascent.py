import dataclasses

import pytest
import torch

from tasks.exemplars._ascent import Ascent, Climbed, Summit, climb
from tasks.exemplars._canvas import Palette, first_spectra, painted, shifted
from tasks.functional.weight_noise import weight_noise
from tests._support.small_networks import LinearNetwork, small_network, state_of

PALETTE = Palette(torch.full((3,), 0.5, dtype=torch.float64), torch.eye(3, dtype=torch.float64) * 0.04)
HOW = Ascent(steps=5, learning_rate=0.05, sigma=0.2, draws_per_step=2, jitter_px=3, seed=1)


def summit_of(model):
    return Summit(model, lambda images: model(images)[:, 1], PALETTE)


def frozen(model):
    return model.eval().requires_grad_(False)


def climbed(model, how=HOW, names=("a",), told=lambda done: None):
    return climb(how, summit_of(model), first_spectra(names, 16, 0), told)


def test_it_is_a_plain_loop_over_noisy_copies():
    """The same, one noisy deep copy at a time, with the optimiser that torch has."""
    model = frozen(small_network())
    spectra = first_spectra(["a"], 16, 0).requires_grad_()
    optimiser = torch.optim.Adam([spectra], lr=HOW.learning_rate)
    seen, draw = [], 0
    for _ in range(HOW.steps):
        optimiser.zero_grad()
        total = 0.0
        for _ in range(HOW.draws_per_step):
            noisy = frozen(small_network())
            with weight_noise(noisy, HOW.sigma, HOW.seed, draw):
                weights = {name: value.clone() for name, value in noisy.state_dict().items()}
            noisy.load_state_dict(weights)
            total = total + noisy(shifted(painted(spectra, PALETTE), 3, 1, draw))[:, 1] / 2
            draw += 1
        (-total).sum().backward()
        optimiser.step()
        seen.append(total.detach())
    found = climbed(model)
    assert torch.allclose(found.seen, torch.stack(seen), atol=1e-5)
    assert torch.allclose(found.images, painted(spectra, PALETTE).detach(), atol=1e-4)


def test_every_draw_starts_from_the_original_weights():
    """Trap: noise that compounds would double the weights' logarithmic spread in a few steps."""
    model = frozen(LinearNetwork(torch.ones(3, 16, 16)))
    seen = []

    def value(images):
        seen.append(model.weight.detach().clone())
        return model(images)[:, 1]

    how = dataclasses.replace(HOW, steps=40, draws_per_step=1)
    climb(how, Summit(model, value, PALETTE), first_spectra(["a"], 16, 0), lambda done: None)
    spreads = [float(weight.std()) for weight in seen]
    assert len(seen) == 42
    assert max(spreads[:40]) < 0.23
    assert min(spreads[:40]) > 0.17
    assert spreads[40:] == [0.0, 0.0]
    assert not torch.equal(seen[0], seen[1])


def test_before_and_after_are_of_the_original_weights_and_the_image_as_it_lies():
    model = frozen(small_network())
    found = climbed(model)
    with torch.no_grad():
        assert torch.allclose(found.end, model(found.images)[:, 1], atol=1e-5)
        start = painted(first_spectra(["a"], 16, 0), PALETTE)
        assert torch.allclose(found.start, model(start)[:, 1], atol=1e-5)


def test_the_size_of_the_logits_does_not_matter():
    weight = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0))
    one, other = (climbed(frozen(LinearNetwork(weight * scale))) for scale in (1.0, 100.0))
    assert torch.allclose(one.images, other.images, atol=1e-3)


def test_an_image_climbs_alike_alone_and_in_company():
    model = frozen(small_network())
    company, alone = climbed(model, names=("a", "b")), climbed(model, names=("b",))
    assert torch.allclose(company.images[1:], alone.images, atol=1e-4)
    assert torch.allclose(company.seen[:, 1:], alone.seen, atol=1e-5)


def test_seeds_differ():
    model = frozen(small_network())
    assert not torch.allclose(climbed(model).seen, climbed(model, dataclasses.replace(HOW, seed=2)).seen)


def test_weights_are_as_found_by_hash_and_also_after_an_exception():
    model = frozen(small_network())
    before = state_of(model)
    climbed(model)
    assert state_of(model) == before

    def fail(done):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        climbed(model, told=fail)
    assert state_of(model) == before

    def value(images):
        assert state_of(model)["weights"] != before["weights"]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        climb(HOW, Summit(model, value, PALETTE), first_spectra(["a"], 16, 0), lambda done: None)
    assert state_of(model) == before


def test_it_tells_of_every_step():
    told = []
    climbed(frozen(small_network()), names=("a", "b", "c"), told=told.append)
    assert told == [3] * 5


def test_parts_are_joined_along_the_images():
    parts = [climbed(frozen(small_network()), names=names) for names in (("a", "b"), ("c",))]
    joined = Climbed.joined(parts)
    assert joined.images.shape == (3, 3, 16, 16)
    assert joined.seen.shape == (5, 3)
    assert joined.start.tolist() == [*parts[0].start.tolist(), *parts[1].start.tolist()]
    assert joined.end.tolist() == [*parts[0].end.tolist(), *parts[1].end.tolist()]

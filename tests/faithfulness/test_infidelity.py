"""Infidelity on linear networks, where the drop of every subset is known."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from tasks.artifacts.tile_set import TileSet
from tasks.faithfulness.infidelity import Infidelity
from tests._support.linear_scoring import (
    GREY_WEIGHT,
    WEIGHT,
    adds,
    column,
    of_class,
    scored,
    shuffled,
)
from tests._support.small_networks import LinearNetwork

TUMOUR = 8
PIXELS, REMOVED = 256, 51


def summed(**settings) -> Infidelity:
    return Infidelity(reads="contribution", **settings)


def distorted(tiles: TileSet) -> np.ndarray:
    maps = adds()(tiles)
    return maps + np.random.default_rng(1).normal(0, maps.std(), maps.shape)


def squared_sum(values: np.ndarray) -> np.ndarray:
    """Return E[(sum over a random subset)^2] of values [N, H, W]: 51 of 256 without replacement."""
    flat = values.reshape(len(values), -1)
    variance = flat.var(1) * REMOVED * (PIXELS - REMOVED) / (PIXELS - 1)
    return variance + (REMOVED * flat.mean(1)) ** 2


def gradient(weight: torch.Tensor):
    """Return what draws the gradient of a linear network, summed over the channels."""
    return lambda tiles: np.broadcast_to(weight.sum(0).numpy(), (len(tiles.usable), 16, 16))


def test_true_contributions_foretell_every_drop(tmp_path):
    result = scored(tmp_path, {"true": adds()}, [summed()])["true", "infidelity"]
    assert column(result, "infidelity").max() < 1e-9
    assert column(result, "scaled").max() < 1e-9


def test_so_does_a_gradient_whose_channels_are_equal(tmp_path):
    model = LinearNetwork(GREY_WEIGHT)
    result = scored(tmp_path, {"g": gradient(GREY_WEIGHT)}, [Infidelity()], model)["g", "infidelity"]
    assert column(result, "infidelity").max() < 1e-9
    assert column(result, "scaled").max() < 1e-9


def test_of_unequal_channels_a_map_of_one_value_a_pixel_cannot_know_all(tmp_path):
    """What is missed is the covariance of slope and change over the channels: known, not a bug."""
    result = scored(tmp_path, {"g": gradient(WEIGHT)}, [Infidelity(draws=400)])["g", "infidelity"]
    tiles = TileSet(tmp_path / "tiles")
    images = tiles.pixels[tiles.usable][of_class(tiles)].transpose(0, 3, 1, 2) / 255.0
    told = WEIGHT.double().numpy().sum(0) * (images - 1).mean(1)
    expected = squared_sum(told - adds()(tiles)[of_class(tiles)])
    off = (column(result, "infidelity") - expected) / column(result, "infidelity", "error")
    assert abs(off).max() < 4
    assert column(result, "infidelity").min() > 1e-3


def test_of_a_linear_network_the_expectation_is_a_closed_form(tmp_path):
    result = scored(tmp_path, {"m": distorted}, [summed(draws=400)])["m", "infidelity"]
    tiles = TileSet(tmp_path / "tiles")
    maps, true = distorted(tiles)[of_class(tiles)], adds()(tiles)[of_class(tiles)]
    off = (column(result, "infidelity") - squared_sum(maps - true)) / column(result, "infidelity", "error")
    assert abs(off).max() < 4
    assert abs(off.mean()) < 1.5


def test_the_scaled_form_is_that_of_the_best_factor(tmp_path):
    """Among maps scaled by hand none misses less, and the factor found reaches what the score says."""
    factors = np.linspace(0, 2, 41)
    draws = {f"{factor:.2f}": lambda t, f=factor: f * distorted(t) for factor in factors}
    found = scored(tmp_path, {**draws, "zero": lambda t: 0 * adds()(t)}, [summed()])
    missed = np.array([column(found[name, "infidelity"], "infidelity") for name in draws])
    size = column(found["zero", "infidelity"], "infidelity")
    scaled = column(found["1.00", "infidelity"], "scaled")
    assert (missed / size >= scaled - 1e-9).all()
    np.testing.assert_allclose((missed / size).min(0), scaled, atol=2e-3)
    assert (scaled > 0.005).all()
    for name in ("0.50", "2.00"):
        np.testing.assert_allclose(column(found[name, "infidelity"], "scaled"), scaled, rtol=1e-5)


@pytest.mark.parametrize("fill", ["white", "mean_tissue", "blur"])
@pytest.mark.parametrize("output", ["probability", "margin", "logit"])
def test_the_true_map_beats_a_shuffled_one_beats_the_reversed_one(tmp_path, fill, output):
    true = adds(fill=fill)
    draws = {"true": true, "shuffled": shuffled(true), "reversed": lambda tiles: -true(tiles)}
    metric = summed(fill=fill, output=output, blur_px=2.0)
    found = {name: result for (name, _), result in scored(tmp_path, draws, [metric]).items()}
    for name in ("scaled", "infidelity"):
        means = [column(found[draw], name).mean() for draw in draws]
        assert means[0] < means[1] < means[2]


def test_a_map_of_the_wrong_sign_is_no_better_than_zeros_however_scaled(tmp_path):
    draws = {"reversed": lambda tiles: -adds()(tiles), "zero": lambda tiles: 0 * adds()(tiles)}
    found = scored(tmp_path, draws, [summed()])
    drops = column(found["zero", "infidelity"], "infidelity")
    np.testing.assert_allclose(column(found["reversed", "infidelity"], "infidelity"), 4 * drops, rtol=1e-5)
    for name in draws:
        assert (column(found[name, "infidelity"], "scaled") == 1).all()


def test_the_error_is_what_other_seeds_show(tmp_path):
    metrics = [summed(seed=seed, id=f"m{seed}") for seed in range(150)]
    found = scored(tmp_path, {"m": distorted}, metrics).values()
    for score in ("scaled", "infidelity"):
        values, errors = (
            np.array([column(result, score, kind) for result in found]) for kind in ("value", "error")
        )
        spread = values.std(0, ddof=1)
        # The root of the mean square: variances are unbiased, their roots are not.
        assert (errors**2).mean() ** 0.5 == pytest.approx((spread**2).mean() ** 0.5, rel=0.15)


def test_an_output_that_does_not_move_is_excluded_and_counted(tmp_path):
    still = LinearNetwork(torch.zeros(3, 16, 16))
    result = scored(tmp_path, {"m": adds()}, [summed()], still)["m", "infidelity"]
    for name in ("scaled", "infidelity"):
        assert np.isnan(column(result, name)).all()
        assert np.isnan(column(result, name, "error")).all()
    assert result.info.excluded == {"the output is the same whatever is removed": TUMOUR}


def test_magnitudes_foretell_no_drop():
    with pytest.raises(ValidationError, match="reads"):
        Infidelity(reads="magnitude")

"""Faithfulness correlation on linear networks, where its expectation is known."""

import numpy as np
import pytest
import torch

from tasks.artifacts.tile_set import TileSet
from tasks.faithfulness.faithfulness_correlation import FaithfulnessCorrelation
from tests._support.linear_scoring import (
    GREY_WEIGHT,
    WEIGHT,
    adds,
    column,
    images_of,
    of_class,
    scored,
    shuffled,
)
from tests._support.small_networks import LinearNetwork

TUMOUR = 8


def signed(**settings) -> FaithfulnessCorrelation:
    return FaithfulnessCorrelation(reads="contribution", **settings)


def score(folder, draws, metric, model=None):
    found = scored(folder, draws, [metric], model)
    return {name: column(found[name, metric.id], "correlation") for name in draws}


def distorted(tiles: TileSet) -> np.ndarray:
    maps = adds()(tiles)
    return maps + np.random.default_rng(1).normal(0, 2 * maps.std(), maps.shape)


@pytest.mark.parametrize("fraction", [0.05, 0.2, 0.8])
def test_of_a_linear_network_it_is_the_correlation_over_pixels_whatever_the_size(tmp_path, fraction):
    metric = signed(fraction=fraction, draws=400)
    result = scored(tmp_path, {"m": distorted}, [metric])["m", metric.id]
    tiles = TileSet(tmp_path / "tiles")
    pairs = zip(distorted(tiles)[of_class(tiles)], adds()(tiles)[of_class(tiles)], strict=True)
    exact = np.array([np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in pairs])
    off = (column(result, "correlation") - exact) / column(result, "correlation", "error")
    assert exact.max() < 0.7
    assert abs(off).max() < 4
    assert abs(off.mean()) < 1.5


@pytest.mark.parametrize("output", ["margin", "logit"])
def test_the_true_map_of_a_linear_network_scores_one_at_any_scale(tmp_path, output):
    draws = {"true": adds(), "small": lambda tiles: 1e-6 * adds()(tiles)}
    for values in score(tmp_path, draws, signed(output=output)).values():
        np.testing.assert_allclose(values, 1.0, atol=1e-5)


@pytest.mark.parametrize("fill", ["white", "mean_tissue", "blur"])
@pytest.mark.parametrize("output", ["probability", "margin", "logit"])
def test_the_true_map_beats_a_shuffled_one_beats_the_reversed_one(tmp_path, fill, output):
    true = adds(fill=fill)
    draws = {"true": true, "shuffled": shuffled(true), "reversed": lambda tiles: -true(tiles)}
    found = score(tmp_path, draws, signed(fill=fill, output=output, blur_px=2.0))
    assert (found["true"] > found["shuffled"]).all()
    assert (found["shuffled"] > found["reversed"]).all()
    np.testing.assert_allclose(found["reversed"], -found["true"], rtol=1e-9)
    assert abs(found["shuffled"].mean()) < 0.3


def slope(tiles: TileSet) -> np.ndarray:
    """The gradient, summed over the channels."""
    return np.broadcast_to(GREY_WEIGHT.sum(0).abs().numpy(), (len(tiles.usable), 16, 16))


def test_a_gradient_is_right_as_a_sensitivity_and_wrong_as_a_contribution(tmp_path):
    """Removal makes pixels lighter: where the slope is positive the output rises, against the sum."""
    model = LinearNetwork(GREY_WEIGHT.abs())
    right = FaithfulnessCorrelation(reads="sensitivity")
    np.testing.assert_allclose(score(tmp_path / "r", {"g": slope}, right, model)["g"], 1.0, atol=1e-5)
    assert score(tmp_path / "w", {"g": slope}, signed(), model)["g"].max() < 0


def test_magnitudes_are_read_unless_another_reading_is_asked_for(tmp_path):
    draws = {"true": adds(), "size": lambda tiles: abs(adds()(tiles))}
    plain = score(tmp_path / "plain", draws, FaithfulnessCorrelation())
    assert (plain["true"] == plain["size"]).all()
    asked = score(tmp_path / "asked", draws, signed())
    assert (asked["size"] == plain["size"]).all()
    assert (asked["true"] > plain["true"]).all()


def test_the_error_is_what_other_seeds_show(tmp_path):
    metrics = [signed(seed=seed, id=f"m{seed}") for seed in range(100)]
    found = scored(tmp_path, {"m": distorted}, metrics).values()
    values, errors = (
        np.array([column(result, "correlation", kind) for result in found]) for kind in ("value", "error")
    )
    assert errors.mean() == pytest.approx(values.std(0, ddof=1).mean(), rel=0.1)


@pytest.mark.parametrize("reads", ["magnitude", "contribution"])
def test_a_constant_map_has_no_correlation_and_is_counted(tmp_path, reads):
    draws = {"flat": lambda tiles: np.full((len(tiles.usable), 16, 16), 0.1), "none": lambda t: 0 * adds()(t)}
    metric = FaithfulnessCorrelation(reads=reads)
    for result in scored(tmp_path, draws, [metric]).values():
        assert np.isnan(column(result, "correlation")).all()
        assert np.isnan(column(result, "correlation", "error")).all()
        assert result.info.excluded == {
            "the output is the same whatever is removed": 0,
            "the map gives the same sum whatever is removed": TUMOUR,
        }


def test_an_output_that_does_not_move_has_no_correlation_and_is_counted_once(tmp_path):
    draws = {"m": adds(), "none": lambda tiles: 0 * adds()(tiles)}
    still = LinearNetwork(torch.zeros(3, 16, 16))
    for result in scored(tmp_path, draws, [FaithfulnessCorrelation()], still).values():
        assert np.isnan(column(result, "correlation")).all()
        assert result.info.excluded == {
            "the output is the same whatever is removed": TUMOUR,
            "the map gives the same sum whatever is removed": 0,
        }


def test_a_random_map_scores_chance_on_average(tmp_path):
    draws = {"m": lambda tiles: np.random.default_rng(3).normal(size=(len(tiles.usable), 16, 16))}
    result = scored(tmp_path, draws, [FaithfulnessCorrelation()], count=200)["m", "faithfulness_correlation"]
    values = column(result, "correlation")
    assert abs(values.mean()) < 4 * values.std() / len(values) ** 0.5
    assert set(column(result, "correlation", "chance")) == {0.0}


def test_the_score_is_that_of_the_removals_by_hand(tmp_path):
    """The network gives its images away; the subsets are read off the white pixels."""

    seen: list[np.ndarray] = []
    network, metric = LinearNetwork(WEIGHT), signed(draws=6)
    network.register_forward_hook(lambda _module, inputs, _logits: seen.append(inputs[0].double().numpy()))
    found = scored(tmp_path, {"m": distorted}, [metric], network)["m", metric.id]
    tiles = TileSet(tmp_path / "tiles")
    clean, maps = images_of(tiles)[of_class(tiles)], distorted(tiles)[of_class(tiles)].astype(np.float32)
    removed = np.concatenate(seen[1:]).reshape(6, TUMOUR, 3, 16, 16)
    gone = (removed != clean).any(2)
    sums = (gone * maps).sum((2, 3))
    drops = ((clean - removed) * WEIGHT.double().numpy()).sum((2, 3, 4))
    by_hand = [np.corrcoef(sums[:, tile], drops[:, tile])[0, 1] for tile in range(TUMOUR)]
    np.testing.assert_allclose(column(found, "correlation"), by_hand, atol=1e-4)

"""Sensitivity-n on linear networks, where its expectation is the same at every size."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from tasks.artifacts.tile_set import TileSet
from tasks.faithfulness.faithfulness_correlation import FaithfulnessCorrelation
from tasks.faithfulness.sensitivity_n import SensitivityN
from tests._support.linear_scoring import adds, column, of_class, scored, shuffled
from tests._support.small_networks import LinearNetwork

TUMOUR = 8
SIZES = (0.05, 0.2, 0.8)


def signed(**settings) -> SensitivityN:
    return SensitivityN(reads="contribution", **settings)


def distorted(tiles: TileSet) -> np.ndarray:
    maps = adds()(tiles)
    return maps + np.random.default_rng(1).normal(0, 2 * maps.std(), maps.shape)


def curve(result) -> np.ndarray:
    return result.curves["value"].to_numpy().reshape(-1, result.curves["fraction"].nunique())


def test_the_true_map_of_a_linear_network_scores_one_at_every_size(tmp_path):
    result = scored(tmp_path, {"true": adds()}, [signed()])["true", "sensitivity_n"]
    np.testing.assert_allclose(column(result, "correlation"), 1.0, atol=1e-4)
    np.testing.assert_allclose(curve(result), 1.0, atol=1e-4)
    assert result.curves["fraction"].unique().tolist() == [0.0125, 0.05, 0.2, 0.8]
    assert set(result.curves["curve"]) == {"correlation"}


def test_of_a_linear_network_every_size_expects_the_correlation_over_pixels(tmp_path):
    result = scored(tmp_path, {"m": distorted}, [signed(fractions=SIZES, draws=400)])["m", "sensitivity_n"]
    tiles = TileSet(tmp_path / "tiles")
    pairs = zip(distorted(tiles)[of_class(tiles)], adds()(tiles)[of_class(tiles)], strict=True)
    exact = np.array([np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in pairs])
    off = (column(result, "correlation") - exact) / column(result, "correlation", "error")
    assert abs(off).max() < 4
    assert abs(curve(result) - exact[:, None]).max() < 5 / 400**0.5


def test_it_is_the_mean_of_the_correlations_of_each_size_to_the_bit(tmp_path):
    singles = [
        FaithfulnessCorrelation(reads="contribution", fraction=size, id=f"f{size:.0%}"[:-1]) for size in SIZES
    ]
    found = scored(tmp_path, {"m": distorted}, [signed(fractions=SIZES), *singles])
    whole = found["m", "sensitivity_n"]
    values, errors = (
        np.stack([column(found["m", one.id], "correlation", kind) for one in singles], axis=1)
        for kind in ("value", "error")
    )
    assert (curve(whole) == values).all()
    np.testing.assert_allclose(column(whole, "correlation"), values.mean(1), rtol=1e-12)
    combined = (errors**2).sum(1) ** 0.5 / len(SIZES)
    np.testing.assert_allclose(column(whole, "correlation", "error"), combined, rtol=1e-12)


def test_the_true_map_beats_a_shuffled_one_beats_the_reversed_one(tmp_path):
    draws = {"true": adds(), "shuffled": shuffled(adds()), "reversed": lambda tiles: -adds()(tiles)}
    found = scored(tmp_path, draws, [signed()])
    true, mixed, turned = (column(found[name, "sensitivity_n"], "correlation") for name in draws)
    assert (true > mixed).all()
    assert (mixed > turned).all()
    np.testing.assert_allclose(turned, -true)
    assert abs(mixed.mean()) < 0.2


def test_the_error_is_what_other_seeds_show(tmp_path):
    metrics = [signed(seed=seed, fractions=(0.1, 0.5), id=f"m{seed}") for seed in range(100)]
    found = scored(tmp_path, {"m": distorted}, metrics).values()
    values, errors = (
        np.array([column(result, "correlation", kind) for result in found]) for kind in ("value", "error")
    )
    assert errors.mean() == pytest.approx(values.std(0, ddof=1).mean(), rel=0.1)


@pytest.mark.parametrize(
    ("weight", "reason"),
    [
        (1.0, "the map gives the same sum whatever is removed"),
        (0.0, "the output is the same whatever is removed"),
    ],
)
def test_what_is_undefined_is_excluded_and_counted_once(tmp_path, weight, reason):
    model = LinearNetwork(weight * torch.linspace(0, 1, 256).view(1, 16, 16).expand(3, -1, -1))
    draws = {"flat": lambda tiles: np.full((len(tiles.usable), 16, 16), 0.1)}
    result = scored(tmp_path, draws, [signed()], model)["flat", "sensitivity_n"]
    assert np.isnan(column(result, "correlation")).all()
    assert np.isnan(column(result, "correlation", "error")).all()
    assert sum(result.info.excluded.values()) == result.info.excluded[reason] == TUMOUR


def test_a_tile_undefined_at_one_size_is_excluded(tmp_path):
    """Of three pixels out of 256, five draws seldom hit the one that speaks; 204 out of 256 always differ."""

    def pointed(tiles: TileSet) -> np.ndarray:
        maps = np.zeros((len(tiles.usable), 16, 16))
        maps[:, 4, 4] = 1
        return maps

    metric = signed(fractions=(0.0125, 0.5), draws=8)
    result = scored(tmp_path, {"m": pointed}, [metric])["m", "sensitivity_n"]
    missed, hit = np.isnan(curve(result)).any(1), ~np.isnan(curve(result)[:, 1])
    assert missed.sum() >= TUMOUR - 3
    assert hit.all()
    assert (np.isnan(column(result, "correlation")) == missed).all()
    assert result.info.excluded["the map gives the same sum whatever is removed"] == missed.sum()


@pytest.mark.parametrize("wrong", [(), (0.0, 0.5), (0.5, 1.0), (0.5, 0.2), (0.2, 0.2), (float("nan"),)])
def test_wrong_sizes_are_refused(wrong):
    with pytest.raises(ValidationError, match="fractions"):
        SensitivityN(fractions=wrong)

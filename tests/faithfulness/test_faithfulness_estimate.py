"""Faithfulness estimate on linear networks, where the drop without a square is a sum."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from tasks.artifacts.tile_set import TileSet
from tasks.faithfulness.faithfulness_estimate import FaithfulnessEstimate
from tests._support.linear_scoring import GREY_WEIGHT, adds, column, of_class, scored, shuffled
from tests._support.small_networks import LinearNetwork

TUMOUR = 8


def signed(**settings) -> FaithfulnessEstimate:
    return FaithfulnessEstimate(reads="contribution", **settings)


def noise(tiles: TileSet) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(len(tiles.usable), 16, 16))


def score(folder, draws, metric, model=None):
    found = scored(folder, draws, [metric], model)
    return {name: column(found[name, metric.id], "correlation") for name in draws}


def by_square(maps: np.ndarray, side: int) -> np.ndarray:
    count = 16 // side
    return maps.reshape(-1, count, side, count, side).sum((2, 4)).reshape(len(maps), -1)


@pytest.mark.parametrize(("squares", "side"), [(2, 8), (4, 4), (8, 2), (16, 1)])
def test_of_a_linear_network_it_is_the_correlation_of_the_sums(tmp_path, squares, side):
    found = score(tmp_path, {"m": noise}, signed(squares=squares))["m"]
    tiles = TileSet(tmp_path / "tiles")
    told, drops = (by_square(draw(tiles)[of_class(tiles)], side) for draw in (noise, adds()))
    exact = [np.corrcoef(one, other)[0, 1] for one, other in zip(told, drops, strict=True)]
    np.testing.assert_allclose(found, exact, atol=1e-4)


@pytest.mark.parametrize("fill", ["white", "mean_tissue", "blur"])
@pytest.mark.parametrize("output", ["probability", "margin", "logit"])
def test_the_true_map_beats_a_shuffled_one_beats_the_reversed_one(tmp_path, fill, output):
    true = adds(fill=fill)
    draws = {"true": true, "shuffled": shuffled(true), "reversed": lambda tiles: -true(tiles)}
    found = score(tmp_path, draws, signed(fill=fill, output=output, blur_px=2.0))
    assert (found["true"] > found["shuffled"]).all()
    assert (found["shuffled"] > found["reversed"]).all()
    np.testing.assert_allclose(found["reversed"], -found["true"])


def test_a_gradient_is_right_as_a_sensitivity_and_wrong_as_a_contribution(tmp_path):
    model = LinearNetwork(GREY_WEIGHT.abs())

    def slope(tiles: TileSet) -> np.ndarray:
        return np.broadcast_to(GREY_WEIGHT.sum(0).abs().numpy(), (len(tiles.usable), 16, 16))

    right = FaithfulnessEstimate(reads="sensitivity")
    np.testing.assert_allclose(score(tmp_path / "r", {"g": slope}, right, model)["g"], 1.0, atol=1e-4)
    assert score(tmp_path / "w", {"g": slope}, signed(), model)["g"].max() < 0


def test_magnitudes_are_read_unless_another_reading_is_asked_for(tmp_path):
    draws = {"true": adds(), "size": lambda tiles: abs(adds()(tiles))}
    plain = score(tmp_path, draws, FaithfulnessEstimate())
    assert (plain["true"] == plain["size"]).all()


def test_nothing_is_drawn_so_there_is_no_error_of_draws(tmp_path):
    result = scored(tmp_path, {"m": noise}, [signed()])["m", "faithfulness_estimate"]
    assert np.isnan(column(result, "correlation", "error")).all()
    assert set(column(result, "correlation", "chance")) == {0.0}


@pytest.mark.parametrize("squares", [4, 5])
def test_a_constant_map_has_no_correlation_though_squares_differ_in_size(tmp_path, squares):
    draws = {"flat": lambda tiles: np.full((len(tiles.usable), 16, 16), 0.1), "none": lambda t: 0 * adds()(t)}
    for result in scored(tmp_path, draws, [signed(squares=squares)]).values():
        assert np.isnan(column(result, "correlation")).all()
        assert result.info.excluded == {
            "the output is the same whatever is removed": 0,
            "the map gives the same sum whatever is removed": TUMOUR,
        }


def test_an_output_that_does_not_move_has_no_correlation_and_is_counted_once(tmp_path):
    still = LinearNetwork(torch.zeros(3, 16, 16))
    draws = {"m": noise, "none": lambda tiles: 0 * adds()(tiles)}
    for result in scored(tmp_path, draws, [signed()], still).values():
        assert np.isnan(column(result, "correlation")).all()
        assert result.info.excluded == {
            "the output is the same whatever is removed": TUMOUR,
            "the map gives the same sum whatever is removed": 0,
        }


@pytest.mark.parametrize("wrong", [{"squares": 1}, {"reads": "rank"}, {"output": "loss"}, {"blur_px": 0}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        FaithfulnessEstimate(**wrong)

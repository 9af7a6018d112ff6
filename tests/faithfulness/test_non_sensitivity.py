"""Non-sensitivity of networks that look at known squares only."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from tasks.artifacts.tile_set import TileSet
from tasks.faithfulness.non_sensitivity import NonSensitivity
from tests._support.linear_scoring import column, scored
from tests._support.small_networks import LinearNetwork

SCORES = ("disagreement", "silent_but_used", "speaking_but_unused")
METRIC = NonSensitivity(squares=4)


def on(rows: slice, columns: slice, value: float = 1.0):
    """Return what draws maps that speak on a rectangle of pixels alone."""

    def draw(tiles: TileSet) -> np.ndarray:
        maps = np.zeros((len(tiles.usable), 16, 16))
        maps[:, rows, columns] = value
        return maps

    return draw


def looks_at(rows: slice, columns: slice) -> LinearNetwork:
    weight = torch.zeros(3, 16, 16)
    weight[:, rows, columns] = 1.0
    return LinearNetwork(weight)


TOP, LEFT, ALL = slice(0, 8), slice(0, 8), slice(None)


def shares(result) -> tuple[float, ...]:
    """Return the three scores, equal on all tiles."""
    columns = [column(result, name) for name in SCORES]
    assert all(len(set(each)) == 1 for each in columns)
    return tuple(float(each[0]) for each in columns)


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (on(TOP, ALL), (0.0, 0.0, 0.0)),
        (on(ALL, LEFT), (0.5, 0.25, 0.25)),
        (on(slice(8, None), ALL), (1.0, 0.5, 0.5)),
        (on(ALL, ALL), (0.5, 0.0, 0.5)),
        (on(ALL, ALL, 0.0), (0.5, 0.5, 0.0)),
        (on(slice(0, 1), slice(0, 1)), (7 / 16, 7 / 16, 0.0)),
    ],
)
def test_of_a_network_that_looks_at_the_upper_half(tmp_path, draw, expected):
    model = looks_at(TOP, ALL)
    result = scored(tmp_path, {"m": draw}, [METRIC], model)["m", "non_sensitivity"]
    assert shares(result) == pytest.approx(expected)
    assert result.info.excluded == {}


def test_chance_is_the_silence_of_the_map_at_random_places(tmp_path):
    """A map silent on 3/4 of the squares, a network that uses half."""
    result = scored(tmp_path, {"m": on(TOP, LEFT)}, [METRIC], looks_at(TOP, ALL))["m", "non_sensitivity"]
    chance = [set(column(result, name, "chance")) for name in SCORES]
    assert chance == [{0.75 * 0.5 + 0.25 * 0.5}, {0.75 * 0.5}, {0.25 * 0.5}]


def test_values_that_cancel_in_a_square_are_not_silent(tmp_path):
    def checkered(tiles: TileSet) -> np.ndarray:
        signs = np.where(np.indices((16, 16)).sum(0) % 2, 1.0, -1.0)
        return on(TOP, ALL)(tiles) * signs

    result = scored(tmp_path, {"m": checkered}, [METRIC], looks_at(TOP, ALL))["m", "non_sensitivity"]
    assert shares(result) == (0.0, 0.0, 0.0)


def test_an_output_that_rises_without_a_square_uses_it(tmp_path):
    model = LinearNetwork(-looks_at(TOP, ALL).weight.detach())
    result = scored(tmp_path, {"m": on(TOP, ALL, -1.0)}, [METRIC], model)["m", "non_sensitivity"]
    assert shares(result) == (0.0, 0.0, 0.0)


def test_zero_is_relative_to_the_most_of_the_tile(tmp_path):
    """Maps that whisper 1/200 of their most elsewhere: silent at a hundredth, speaking at a thousandth."""

    def whispering(tiles: TileSet) -> np.ndarray:
        return 1e-6 * (on(TOP, ALL)(tiles) + on(slice(8, None), ALL, 0.005)(tiles))

    metrics = [METRIC, NonSensitivity(squares=4, tolerance=0.001, id="strict")]
    found = scored(tmp_path, {"m": whispering}, metrics, looks_at(TOP, ALL))
    assert shares(found["m", "non_sensitivity"]) == (0.0, 0.0, 0.0)
    assert shares(found["m", "strict"]) == (0.5, 0.0, 0.5)


def test_a_network_that_looks_at_nothing_uses_nothing(tmp_path):
    """And rounding far below its logits is no look."""

    class Deaf(torch.nn.Module):
        def forward(self, images):
            tiny = 1e-5 * images.mean((1, 2, 3))
            return torch.stack([torch.full_like(tiny, 100.0), 100.0 + tiny], dim=1)

    for model in (LinearNetwork(torch.zeros(3, 16, 16)), Deaf()):
        folder = tmp_path / type(model).__name__
        result = scored(folder, {"m": on(TOP, ALL)}, [METRIC], model)["m", "non_sensitivity"]
        assert shares(result) == (0.5, 0.0, 0.5)


@pytest.mark.parametrize("wrong", [{"squares": 1}, {"tolerance": -0.1}, {"tolerance": 1.0}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        NonSensitivity(**wrong)

"""Every aggregator there is, held to the rules of the house."""

import numpy as np
import pytest

from tasks.aggregators.base import Aggregator
from tasks.plugins import available, plugin_class
from tests._support.plugin_rules import assert_is_its_own_configuration

NAMES = available("tasks.aggregators")
PROBABILITIES = np.random.default_rng(0).random(137).round(2)
"""With ties."""


def aggregator_of(name: str) -> Aggregator:
    aggregator = plugin_class("tasks.aggregators", name)()
    assert isinstance(aggregator, Aggregator)
    return aggregator


def test_there_are_aggregators():
    assert "top_share" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_is_its_own_configuration(name):
    assert aggregator_of(name).name == name
    assert_is_its_own_configuration(aggregator_of(name))


@pytest.mark.parametrize("name", NAMES)
def test_it_says_where_it_comes_from_and_what_its_score_is(name):
    assert len(aggregator_of(name).source) > 20
    assert "tumour" in aggregator_of(name).words("tumour")


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_tiles_does_not_matter(name):
    rule, generator = aggregator_of(name), np.random.default_rng(1)
    scores = {rule.score(generator.permutation(PROBABILITIES)) for _ in range(5)}
    assert scores == {rule.score(PROBABILITIES)}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_drawn_and_nothing_is_changed(name):
    rule, before, state = aggregator_of(name), PROBABILITIES.copy(), np.random.get_state()[1].copy()
    assert rule.score(PROBABILITIES) == rule.score(PROBABILITIES)
    assert np.array_equal(PROBABILITIES, before)
    assert np.array_equal(np.random.get_state()[1], state)


@pytest.mark.parametrize("count", [1, 2, 3, 50])
@pytest.mark.parametrize("name", NAMES)
def test_the_score_lies_between_its_tiles(name, count):
    tiles = PROBABILITIES[:count]
    score = aggregator_of(name).score(tiles)
    assert isinstance(score, float)
    assert tiles.min() <= score <= tiles.max()


@pytest.mark.parametrize("name", NAMES)
def test_one_tile_is_its_slide(name):
    assert aggregator_of(name).score(np.array([0.37])) == pytest.approx(0.37)
    assert aggregator_of(name).used(np.array([0.37])).tolist() == [0]


@pytest.mark.parametrize("name", NAMES)
def test_tiles_that_it_does_not_use_decide_nothing(name):
    rule = aggregator_of(name)
    used = rule.used(PROBABILITIES)
    assert len(set(used.tolist())) == len(used) >= 1
    assert 0 <= used.min() <= used.max() < len(PROBABILITIES)
    lower = np.where(np.isin(np.arange(len(PROBABILITIES)), used), PROBABILITIES, 0.0)
    assert rule.score(lower) == rule.score(PROBABILITIES)


@pytest.mark.parametrize("name", NAMES)
def test_a_tile_that_rises_never_lowers_the_score(name):
    rule = aggregator_of(name)
    for tile in range(0, len(PROBABILITIES), 10):
        higher = PROBABILITIES.copy()
        higher[tile] = 1.0
        assert rule.score(higher) >= rule.score(PROBABILITIES)

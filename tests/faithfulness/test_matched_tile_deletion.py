"""Deletion beyond darkness: a map of darkness knows nothing, and a map of the model does."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.faithfulness.matched_tile_deletion import UNKNOWN, MatchedTileDeletion
from tasks.faithfulness.tile_deletion import TileDeletion
from tests._support.scored_bags import judged, made_bags, network, values

MATCHED = MatchedTileDeletion()


@pytest.fixture(scope="module")
def bags():
    """Bags in which dark tiles speak for the class: darkness is the true contribution and as much noise."""
    made = made_bags((120,) * 10)
    generator = np.random.default_rng(0)
    dark = [map_ / map_.std() + generator.normal(size=len(map_)) for map_ in made.attributions["true"]]
    about = [each.copy() for each in made.about]
    for known, values_ in zip(about, dark, strict=True):
        known[:, 2] = values_
    maps = {**made.attributions, "darkness": dark, "strata": [_strata(values_) for values_ in dark]}
    return replace(made, about=about, attributions=maps, kinds=dict.fromkeys(maps, "contribution"))


def _strata(darkness):
    return np.argsort(np.argsort(darkness)) * 10 // len(darkness)


def test_darkness_seems_faithful_and_is_nothing_beyond_itself(bags):
    plain = values(judged(bags, TileDeletion(), "darkness"), "srg")
    beyond = values(judged(bags, MATCHED, "darkness"), "srg")
    assert (plain > 0.1).all()
    assert abs(beyond.mean()) < 0.2 * plain.mean()
    # A map of the strata leaves nothing to chance but the draws.
    strata = judged(bags, MatchedTileDeletion(draws=40), "strata")
    found = values(strata, "srg")
    assert abs(found.mean()) < 3 * found.std() / np.sqrt(len(found)) + 0.01


def test_the_true_map_is_ahead_of_equally_dark_tiles(bags):
    result = judged(bags, MATCHED, "true")
    for score in ("srg", "aopc", "srg_probability"):
        assert (values(result, score) > 0).all()
    errors = result.scores["error"]
    assert ((errors > 0) & (errors < 0.2)).all()


def test_one_stratum_is_deletion_against_random_orders(bags):
    one = values(judged(bags, MatchedTileDeletion(strata=1, draws=40), "true"), "srg")
    plain = values(judged(bags, TileDeletion(), "true"), "srg")
    np.testing.assert_allclose(one, plain, atol=0.06)


def test_slides_of_unknown_darkness_are_counted(bags):
    about = [each.copy() for each in bags.about]
    about[0][3, 2] = np.nan
    partly = judged(replace(bags, about=about), MATCHED, "true")
    assert partly.info.excluded[UNKNOWN] == 1
    assert np.isnan(values(partly, "srg")).tolist() == [True] + [False] * 9
    nobody = judged(replace(bags, about=()), MATCHED, "true", network())
    assert nobody.info.excluded[UNKNOWN] == 10

"""The tiles at either end, and nobody's name."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from tasks.comparison.analyses.extreme_tiles import MOST, extreme_tiles
from tasks.comparison.rows.aligned_scores import AlignedScores
from tasks.statistics.clusters import choose_clusters


def scored(values, direction="higher", unit="tile"):
    """One arm with seeds 0 and 1 of an explainer ``e`` and the control ``c``; ``values`` [2, N]."""
    count = values.shape[1]
    table = pd.DataFrame({"unit_id": [f"s/{n:02d}" for n in range(count)], "patient_id": "secret-7"})
    table = table.assign(slide_id="s", section=0)
    found = {("arm", name, seed): values[seed] for name in ("e", "c") for seed in (0, 1)}
    return AlignedScores(
        "deletion",
        "gap",
        direction,
        unit,
        table,
        found,
        {},
        ("c",),
        ("c",),
        blind=(),
        clusters=choose_clusters(table),
        level=0.95,
    )


@pytest.fixture
def values():
    """Means over seeds rise from 0 to 11 with the tile."""
    rising = np.arange(12.0)
    return np.stack([rising - 1, rising + 1])


def tiles(table, end):
    return [int(name.removeprefix("s/")) for name in table[table["end"] == end]["tile_id"]]


def test_the_lowest_and_the_highest_by_the_mean_over_seeds(values):
    table = extreme_tiles([scored(values)])
    assert tiles(table, "worst") == [0, 1, 2, 3, 4]
    assert tiles(table, "best") == [11, 10, 9, 8, 7]
    assert list(table["rank"]) == [1, 2, 3, 4, 5] * 2
    assert list(table["value"][:2]) == [0.0, 1.0]


def test_where_lower_is_better_the_worst_are_the_highest(values):
    table = extreme_tiles([scored(values, "lower")])
    assert tiles(table, "worst") == [11, 10, 9, 8, 7]
    assert tiles(table, "best") == [0, 1, 2, 3, 4]


def test_no_tile_is_both_and_unscored_tiles_are_neither(values):
    values[:, 4:] = np.nan
    values[0, 0] = np.nan
    table = extreme_tiles([scored(values)])
    assert tiles(table, "worst") == [0, 1], "the mean of tile 0 is that of its one seed: 1, as tile 1"
    assert tiles(table, "best") == [3, 2]
    assert MOST > 2


def test_equal_values_stand_by_tile_id_at_both_ends():
    table = extreme_tiles([scored(np.zeros((2, 12)))])
    assert tiles(table, "worst") == tiles(table, "best") == [0, 1, 2, 3, 4]


def test_controls_sections_and_scores_without_direction_have_no_lines(values):
    assert set(extreme_tiles([scored(values)])["explainer"]) == {"e"}
    others = [scored(values, "none"), scored(values, unit="section"), scored(values, unit="slide")]
    assert len(extreme_tiles(others)) == 0


def test_no_patient_is_named(values):
    assert "secret-7" not in extreme_tiles([scored(values)]).to_csv()


def test_networks_have_no_lines(values):
    one = scored(values)
    renamed = {("arm", "model", seed): one.values["arm", "e", seed] for seed in (0, 1)}
    assert len(extreme_tiles([dataclasses.replace(one, values=renamed)])) == 0

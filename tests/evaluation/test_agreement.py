"""Agreement of stored maps over models."""

import numpy as np
import pytest

from tasks.artifacts.tile_scores import ScoredBag, TileScores, write_tile_scores
from tasks.evaluation.agreement import agreement_of_maps


def stored(folder, maps):
    folder.mkdir()
    bags = [
        ScoredBag({"slide_id": name}, [f"{name}/{i}" for i in range(len(values))], np.float32(values))
        for name, values in maps.items()
    ]
    write_tile_scores(folder, bags)
    return TileScores(folder)


def test_each_pair_of_models_is_compared_on_the_slides_of_all(tmp_path):
    rising = np.arange(10.0) - 3
    maps = {
        "seed0": stored(tmp_path / "0", {"a": rising, "b": rising}),
        "seed1": stored(tmp_path / "1", {"b": -rising, "a": np.append(rising[:-1], np.nan)}),
        "seed2": stored(tmp_path / "2", {"a": rising**2}),
    }
    table = agreement_of_maps(maps, "contribution").set_index(["first", "second"])
    assert set(table["slide_id"]) == {"a"}
    assert table.loc[("seed0", "seed1"), "spearman"] == pytest.approx(1)
    assert table.loc[("seed0", "seed1"), "tiles"] == 9
    assert table.loc[("seed0", "seed1"), "overlap"] == 1
    assert table.loc[("seed0", "seed2"), "spearman"] < 1
    assert table.loc[("seed0", "seed2"), "chance"] == pytest.approx(0.1)
    pair = {name: maps[name] for name in ("seed0", "seed1")}
    signed = agreement_of_maps(pair, "contribution").set_index("slide_id")["spearman"]
    sizes = agreement_of_maps(pair, "sensitivity").set_index("slide_id")["spearman"]
    assert signed["b"] == pytest.approx(-1)
    assert sizes["b"] == pytest.approx(1)

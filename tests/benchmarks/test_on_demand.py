"""The benchmark of tiles read from slides: both sides hold the same pixels, and it says what is lost."""

import json

import numpy as np
import pytest

from benchmarks import feed, on_demand
from benchmarks.on_demand import KEPT, READ, loss, main, refuse_other_pixels, tiled_twice


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """A phantom that is quickly written."""
    monkeypatch.setattr(feed, "SIDE", 8)


def test_a_short_run_ends_with_one_line_of_json(capsys, monkeypatch):
    monkeypatch.setattr(on_demand, "explaining", lambda tiles: {KEPT: list, READ: list})
    main(["--tiles", "64", "--rounds", "1", "--threads", "1"])
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(told) == {
        "training_lost", "training_without_cache_lost", "explaining_lost", "tiles", "threads",
    }  # fmt: skip
    assert told["tiles"] == 64


def test_both_sides_hold_the_same_pixels_or_nothing_is_measured(tmp_path):
    tiles = tiled_twice(tmp_path, None, 64)
    assert isinstance(tiles.kept.pixels, np.ndarray)
    assert not isinstance(tiles.read.pixels, np.ndarray)
    refuse_other_pixels(tiles)
    np.save(tiles.kept.folder / "pixels.npy", 255 - tiles.kept.pixels[:])
    tiles.kept.__dict__.pop("pixels", None)
    with pytest.raises(SystemExit, match="are not those that were kept"):
        refuse_other_pixels(tiles)


def test_a_loss_is_a_fraction_of_the_rate_with_kept_pixels():
    assert loss({KEPT: 200.0, READ: 180.0}, READ) == pytest.approx(0.1)

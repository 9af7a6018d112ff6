"""A network that calls tiles by the pen, and one that does not look at it."""

import numpy as np
import pytest
import torch

from tasks.artifacts.tile_set import TileSet
from tasks.model_metrics.artefact_response import ArtefactResponse, scored
from tasks.model_metrics.base import MeasureSettings, measure_model
from tasks.samples.measured_tiles import MeasuredTiles
from tests._support.small_networks import LinearNetwork
from tests._support.tile_sets import make_tile_set

CLASSES = ("normal", "tumour")
NORMAL, TUMOUR = [0, 1, 5, 6], [3, 4, 8, 9]
"""Rows of the ten tiles; two more are mixed."""


def penned(folder, rows, height=8):
    """Return ten tiles of 16 px; those in ``rows`` are blue, and marked, down to ``height``."""
    tiles = make_tile_set(folder, "s", "p", "test", 10)
    mask, pixels = np.zeros((10, 16, 16), np.uint8), np.array(tiles.pixels)
    mask[rows, :height] = 1
    pixels[mask > 0] = (0, 0, 255)
    np.save(folder / "artefact_mask.npy", mask)
    np.save(folder / "pixels.npy", pixels)
    return MeasuredTiles([TileSet(folder)], CLASSES)


def pen_reader():
    """Return a network that calls a tile tumour where it is more blue than red: nowhere but under the pen."""
    weight = torch.zeros(3, 16, 16)
    weight[0], weight[2] = -1, 1
    return LinearNetwork(weight)


def found(model, tiles, **settings):
    report = measure_model(ArtefactResponse(**settings), model, tiles, MeasureSettings(1))
    scores = report.measured.scores
    return scores.groupby("score")["value"].agg(["mean", "count"]), report.info.excluded


def test_a_network_that_reads_the_pen_calls_all_marked_tiles_tumour_and_no_other(tmp_path):
    scores, excluded = found(pen_reader(), penned(tmp_path, [0, 1, 5, 3]))
    assert scores["mean"].to_dict() == {
        "accuracy_marked": 0.25,
        "accuracy_clean": 0.25,
        "false_alarm_marked": 1.0,
        "false_alarm_clean": 0.0,
        "missed_marked": 0.0,
        "missed_clean": 1.0,
    }
    assert scores["count"].to_dict() == {
        "accuracy_marked": 4,
        "accuracy_clean": 4,
        "false_alarm_marked": 3,
        "false_alarm_clean": 1,
        "missed_marked": 1,
        "missed_clean": 3,
    }
    assert set(excluded.values()) == {0}


def test_a_tile_that_is_hardly_touched_is_neither_marked_nor_clean(tmp_path):
    """Trap: a single row of ink on every normal tile is no reason to call it marked, nor clean."""
    tiles = penned(tmp_path, NORMAL, height=1)
    scores, excluded = found(pen_reader(), tiles)
    assert scores["count"].to_dict() == {
        "accuracy_marked": 0,
        "accuracy_clean": 4,
        "false_alarm_marked": 0,
        "false_alarm_clean": 0,
        "missed_marked": 0,
        "missed_clean": 4,
    }
    assert excluded["an artefact touches less than 0.1 of the tile"] == 4
    wider, _ = found(pen_reader(), tiles, least_share=1 / 16)
    assert wider["count"]["false_alarm_marked"] == 4


def test_without_an_image_of_artefacts_no_tile_is_called_clean(tmp_path):
    tiles = penned(tmp_path, [0])
    (tmp_path / "artefact_mask.npy").unlink()
    scores, excluded = found(pen_reader(), MeasuredTiles([TileSet(tmp_path)], CLASSES))
    assert scores["count"].sum() == 0
    assert excluded["the manifest names no artefact image of the slide"] == len(tiles)


def test_with_three_classes_only_the_target_is_an_alarm_and_only_it_is_missed():
    called, labels = np.array([0, 2, 1, 1, 2]), np.array([0, 0, 2, 1, 1])
    scores = scored(called, labels, 1, {"all": np.ones(5, dtype=bool)})
    np.testing.assert_array_equal(scores["accuracy_all"], [1, 0, 0, 1, 0])
    np.testing.assert_array_equal(scores["false_alarm_all"], [0, 0, 1, np.nan, np.nan])
    np.testing.assert_array_equal(scores["missed_all"], [np.nan, np.nan, np.nan, 0, 1])


@pytest.mark.parametrize("share", [0.0, 1.1])
def test_a_share_that_marks_everything_or_nothing_is_refused(share):
    with pytest.raises(ValueError, match="least_share"):
        ArtefactResponse(least_share=share)

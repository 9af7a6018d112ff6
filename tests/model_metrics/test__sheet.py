import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tasks.model_metrics._channels import extremes
from tasks.model_metrics._sheet import COLOURS, ChannelSheet, draw_channels
from tasks.samples.measured_tiles import MeasuredTiles
from tests._support.tile_sets import make_tile_set

CLASSES = ("normal", "tumour")


def table_of(purities, tops, alive=None, tumour=None):
    count = len(purities)
    shares = tumour or [0.0] * count
    return pd.DataFrame(
        {
            "channel": range(count),
            "alive": alive or [True] * count,
            "clean": purities,
            "adversarial_true": 0.5,
            "adversarial_predicted": 0.75,
            **{f"{k}_chance": 0.5 for k in ("clean", "adversarial_true", "adversarial_predicted")},
            "cs_true": 0.9,
            "clean_normal": [1 - s for s in shares],
            "clean_tumour": shares,
            "top_tiles": [tops] * count,
            "top_tiles_adversarial": [tops[::-1]] * count,
        }
    )


def channels(table, count=4):
    return [side["channel"].tolist() for side in extremes(table, CLASSES, count)]


def test_the_most_and_the_least_consistent_channels_and_none_twice():
    assert channels(table_of([0.6, 0.9, 0.5, 0.7, 1.0], []), 2) == [[4, 1], [0, 2]]
    assert channels(table_of([0.6, 0.9, 0.5], []), 4) == [[1, 0], [2]]
    assert channels(table_of([0.6], [])) == [[0], []]


def test_dead_channels_are_not_shown():
    assert channels(table_of([0.6, 1.0, 0.5], [], alive=[True, False, True])) == [[0], [2]]


def test_the_best_of_each_class_come_in_turn():
    """Trap: many channels are wholly pure, and all that are shown would be of one class."""
    purities, tumour = [1.0, 1.0, 1.0, 0.9, 0.8, 0.5, 0.5, 0.6], [0, 0, 0, 0.95, 0.9, 0.5, 0.5, 0.3]
    most, least = channels(table_of(purities, [], tumour=tumour), 4)
    assert most == [0, 3, 1, 4]
    assert least == [2, 7, 5, 6]


@pytest.fixture(scope="module")
def tiles(tmp_path_factory):
    return MeasuredTiles([make_tile_set(tmp_path_factory.mktemp("s"), "s", "p", "test", 20)], CLASSES)


def drawn(tiles, table, path):
    predicted = 1 - tiles.labels.numpy()
    draw_channels(ChannelSheet(table, tiles, predicted, 4 / 255)).save(path)
    return np.asarray(Image.open(path))


def colour(place):
    return tuple(bytes.fromhex(COLOURS[place].removeprefix("#")))


def test_frames_are_the_classes_and_bars_the_predictions(tiles, tmp_path):
    names = tiles.table["tile_id"].tolist()[:8]
    image = drawn(tiles, table_of([1.0, 0.5], names), tmp_path / "a.png")
    clean = [tuple(image[92 + 26 + 1, 20 + 72 + n * 91 + 40]) for n in range(8)]
    assert clean == [colour(int(label)) for label in tiles.labels[:8]]
    attacked = 92 + 26 + 98
    frames = [tuple(image[attacked + 1, 20 + 72 + n * 91 + 40]) for n in range(8)]
    assert frames == clean[::-1]
    bars = [tuple(image[attacked + 84 + 4, 20 + 72 + n * 91 + 40]) for n in range(8)]
    assert bars == [colour(1 - int(label)) for label in tiles.labels[:8]][::-1]
    middle = image[92 + 26 + 4 : 92 + 26 + 80, 96 : 96 + 76]
    shown = np.asarray(Image.fromarray(tiles.pixels(0)).resize((76, 76), Image.Resampling.LANCZOS))
    assert np.array_equal(middle, shown)


def test_the_same_table_is_the_same_picture_and_few_channels_or_none_are_drawn_too(tiles, tmp_path):
    names = tiles.table["tile_id"].tolist()[:3]
    table = table_of([1.0], names)
    assert np.array_equal(drawn(tiles, table, tmp_path / "a.png"), drawn(tiles, table, tmp_path / "b.png"))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    dead = drawn(tiles, table_of([1.0], names, alive=[False]), tmp_path / "dead.png")
    assert len(dead) == 92 + 116, "head and legend, no channel"

"""The surroundings of tiles are found by key, and one slide is open at a time."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tasks.artifacts.surrounded_tiles import SURROUNDED, SURROUNDED_INDEX, SurroundedTiles
from tasks.explainers.base import ExplanationError
from tasks.explaining import surrounded_index
from tasks.explaining.surrounded_index import SurroundedIndex
from tasks.functional.tile_keys import tile_keys


def slides_of(folder: Path, counts: list[int]) -> list[SurroundedTiles]:
    """Return slides whose tiles hold (number of the slide, row) in their first two channels."""
    for number, count in enumerate(counts):
        home = folder / str(number)
        home.mkdir()
        pixels = np.zeros((count, 4, 4, 3), np.uint8)
        pixels[..., 0], pixels[..., 1] = number, np.arange(count)[:, None, None]
        np.save(home / SURROUNDED, pixels)
        names = [f"s{number}/{row}" for row in range(count)]
        pd.DataFrame({"tile_id": names, "halo_px": 1, "filled": False}).to_parquet(home / SURROUNDED_INDEX)
    return [SurroundedTiles(folder / str(number)) for number in range(len(counts))]


def test_tiles_of_several_slides_come_in_the_order_of_their_keys(tmp_path):
    places = SurroundedIndex.of(slides_of(tmp_path, [5, 0, 200, 1]))
    wanted = [(2, 7), (0, 4), (2, 199), (3, 0), (0, 0), (2, 7)]
    found = places.pixels(tile_keys([f"s{slide}/{row}" for slide, row in wanted]).numpy())
    assert found.shape == (6, 4, 4, 3)
    assert [tuple(pixel) for pixel in found[:, 0, 0, :2].tolist()] == wanted


@pytest.mark.parametrize("name", ["s0/5", "s9/0", ""])
def test_a_tile_without_surroundings_is_named_by_its_key(tmp_path, name):
    (key,) = tile_keys([name]).tolist()
    with pytest.raises(ExplanationError, match=f"the tile with key {key} were not read"):
        SurroundedIndex.of(slides_of(tmp_path, [5, 3])).pixels(np.array([key]))


def test_without_slides_nothing_is_found():
    with pytest.raises(ExplanationError, match="key 7"):
        SurroundedIndex.of([]).pixels(np.array([7]))


def test_one_slide_is_open_at_a_time_and_opened_once(tmp_path, monkeypatch):
    """A metric asks for the surroundings of the same tiles again and again."""
    places = SurroundedIndex.of(slides_of(tmp_path, [2] * 20))
    opened = []
    monkeypatch.setattr(surrounded_index, "afresh", lambda view: opened.append(view.folder.name) or view)
    for number in range(20):
        for row in (0, 1, 0):
            (pixel,) = places.pixels(tile_keys([f"s{number}/{row}"]).numpy())[:, 0, 0, :2].tolist()
            assert pixel == [number, row]
    assert opened == [str(number) for number in range(20)]

"""The validation tiles that judge weight noise."""

import numpy as np
import pandas as pd
import pytest

from tasks.artifacts.tile_set import TILES, TileSet
from tasks.calibration.errors import SigmaSearchError
from tasks.calibration.tiles import labelled_pixels
from tasks.functional.tile_keys import tile_keys
from tests._support.pixel_detectors import pixel_tiles

CLASSES = ("normal", "tumour")


def numbers(found) -> list[int]:
    """Return which pixel is white in each tile, which is the tile's number."""
    return [int(np.flatnonzero(tile[..., 0].ravel())[0]) for tile in found.pixels]


def rewritten(tiles: TileSet, change) -> TileSet:
    table = pd.read_parquet(tiles.folder / TILES)
    change(table).to_parquet(tiles.folder / TILES, index=False)
    return TileSet(tiles.folder)


def test_all_tiles_with_their_labels_where_few_are_there(tmp_path):
    slides = [pixel_tiles(tmp_path / f"s{i}", f"s{i}", 100 * i, 30) for i in range(2)]
    found = labelled_pixels(slides, CLASSES, 512)
    assert sorted(numbers(found)) == [*range(30), *range(100, 130)]
    assert found.labels.tolist() == [number % 2 for number in numbers(found)]
    assert found.counts(CLASSES) == {"normal": 30, "tumour": 30}
    assert found.pixels.dtype == np.uint8


def test_an_equal_share_of_each_class_with_the_lowest_keys_over_all_slides(tmp_path):
    slides = [pixel_tiles(tmp_path / f"s{i}", f"s{i}", 100 * i, 60) for i in range(2)]
    found = labelled_pixels(slides, CLASSES, 21)
    everything = pd.concat([s.table.assign(number=100 * i + np.arange(60)) for i, s in enumerate(slides)])
    everything["key"] = tile_keys(everything["tile_id"].tolist()).numpy()
    expected = [
        number
        for name in CLASSES
        for number in everything[everything["label"] == name].nsmallest(10, "key")["number"]
    ]
    assert sorted(numbers(found)) == sorted(expected)
    assert labelled_pixels(slides[::-1], CLASSES, 21).counts(CLASSES) == found.counts(CLASSES)


def test_a_rare_class_gives_all_it_has(tmp_path):
    def rare(table):
        tumour = np.flatnonzero(table["label"] == "tumour")
        table.loc[tumour[3:], "label"] = "mixed"
        return table

    tiles = rewritten(pixel_tiles(tmp_path, count=60), rare)
    assert labelled_pixels([tiles], CLASSES, 20).counts(CLASSES) == {"normal": 10, "tumour": 3}


def test_failed_and_mixed_tiles_are_left_out(tmp_path):
    def spoil(table):
        table.loc[:9, "state"] = "failed"
        table.loc[10:13, "label"] = "mixed"
        return table

    found = labelled_pixels([rewritten(pixel_tiles(tmp_path, count=40), spoil)], CLASSES, 512)
    assert sorted(numbers(found)) == list(range(14, 40))


@pytest.mark.parametrize(("label", "said"), [("normal", "labels of normal"), ("mixed", "labels of no class")])
def test_tiles_of_two_classes_are_needed(tmp_path, label, said):
    tiles = rewritten(pixel_tiles(tmp_path, count=20), lambda table: table.assign(label=label))
    with pytest.raises(SigmaSearchError, match=f"{said}; .* at least two of the classes normal, tumour"):
        labelled_pixels([tiles], CLASSES, 512)

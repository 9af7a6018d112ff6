"""Which tiles are stored in detail, and that their maps are raw values on the scale of tiles."""

import base64
import zlib
from dataclasses import replace

import numpy as np
import pytest

from tasks.functional.tile_keys import tile_keys
from tasks.reporting.review.codes import map_codes
from tasks.reporting.review.details import detailed_rows, slide_details
from tests._support.heatmap_jobs import make_slide
from tests._support.review_jobs import MODELS, known_maps, make_review


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return make_review(tmp_path_factory.mktemp("review"))


def codes_of(text: str, pairs: int, side: int) -> np.ndarray:
    data = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return (np.cumsum(data[1:], dtype=np.uint8) if data[0] else data[1:]).reshape(pairs, side, side)


def test_most_least_and_an_even_sample_come_by_turns(tmp_path):
    tiles = make_slide(tmp_path)
    keys = tile_keys(tiles.table["tile_id"].tolist()).numpy()
    sample = [int(row) for row in np.argsort(keys, kind="stable") if row not in (7, 3)]
    order = np.array([7, 8, 9, 3])
    assert detailed_rows(tiles, [order], 3) == [7, 3, sample[0]]
    assert len(set(detailed_rows(tiles, [order], 40))) == 40
    assert detailed_rows(tiles, [], 2) == [int(row) for row in np.argsort(keys, kind="stable")[:2]]
    assert detailed_rows(tiles, [order], 0) == []


def test_maps_at_the_networks_resolution_are_the_raw_values(job):
    found = slide_details(job, "s1", [np.arange(40)], [0.5, 3.0], 10**7)
    assert (found["side"], found["all_seeds"], len(found["tiles"])) == (16, True, 40)
    assert found["pairs"] == [(p, e) for p in range(4) for e in range(2)]
    row, picture, text = next(tile for tile in found["tiles"] if tile[0] == 13)
    codes = codes_of(text, 8, 16)
    assert np.array_equal(codes[0], map_codes(known_maps()[13], 0.5))
    assert np.array_equal(codes[7], map_codes(job.maps[MODELS[3], "random_map", "s1"].maps()[row], 3.0))
    assert picture.startswith("data:image/webp;base64,")


def test_little_room_keeps_fewer_tiles(job):
    found = slide_details(job, "s1", [np.arange(40)], [0.5, 3.0], 100_000)
    assert 0 < len(found["tiles"]) < 40
    assert found["tiles"][0][0] == 0
    assert found["tiles"][1][0] == 39


def test_a_map_that_is_missing_is_no_pair_and_a_tile_without_map_has_no_codes(job, tmp_path):
    assert (3, 0) not in slide_details(job, "s2", [], [0.5, 3.0], 10**7)["pairs"]

    class Half:
        index = job.maps[MODELS[0], "gradient", "s1"].index.iloc[:20]

        def maps(self, rows):
            return known_maps()[:20][rows]

    half = replace(job, maps={(MODELS[0], "gradient", "s1"): Half()})
    found = slide_details(half, "s1", [], [0.5, 3.0], 10**7)
    codes = {row: codes_of(text, 1, 16) for row, _, text in found["tiles"]}
    assert codes[5].min() > 0
    assert codes[25].max() == 0

"""The maps of the page are those of the heatmaps, downsampled by means only."""

import base64
import zlib

import numpy as np
import pytest

from tasks.reporting.maps.stitch import stitch
from tasks.reporting.maps.thumbnail_map import drawing_surface, mapped_tiles, thumbnail_map
from tasks.reporting.review.layers import SlideLayers
from tasks.reporting.review.predictions import accuracies, slide_scores, tile_probabilities
from tasks.slides.info import read_info
from tests._support.heatmap_jobs import top_tenth
from tests._support.review_jobs import MODELS, make_review


def unpacked(text: str, shape: tuple[int, int]) -> np.ndarray:
    data = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return (np.cumsum(data[1:], dtype=np.uint8) if data[0] else data[1:]).reshape(shape).astype(float)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return make_review(tmp_path_factory.mktemp("review"))


def layers_of(job, slide="s1"):
    tiles = job.slides[slide]
    return SlideLayers(job, tiles, read_info(tiles.folder), (0.5, 2.0), tile_probabilities(job, slide))


def test_with_room_a_map_is_the_drawn_one_pixel_for_pixel(job):
    drawn = []
    found = layers_of(job).packed(10**7, drawn.append)
    assert (found["width"], found["height"], found["factor"]) == (74, 111, 1)
    assert len(drawn) == 8
    surface = drawing_surface(read_info(job.slides["s1"].folder).geometry, job.recipe.smoothing_um)
    maps = job.maps[MODELS[0], "gradient", "s1"]
    wanted = thumbnail_map(surface, mapped_tiles(job.slides["s1"], maps, ""), maps)
    codes = unpacked(found["blobs"][found["maps"][0][0]], (111, 74))
    assert np.array_equal(codes == 0, np.isnan(wanted))
    back = (codes - 128) / 127 * 0.5
    known = codes > 0
    assert np.abs(back - np.clip(wanted, -0.5, 0.5))[known].max() <= 0.5 / 254 * 1.0001


def test_probabilities_lie_where_their_tiles_lie(job):
    found = layers_of(job).packed(10**7, lambda done: None)
    codes = unpacked(found["blobs"][found["probability"][0]], (111, 74))
    probability = 1 / (1 + np.exp(-np.linspace(-2, 2, 40)))
    surface = drawing_surface(read_info(job.slides["s1"].folder).geometry, 4.0)
    wanted = stitch(surface.canvas, job.slides["s1"].table, probability[:, None, None])
    known = codes > 0
    assert np.abs((codes - 1) / 254 - wanted)[known].max() <= 1 / 508 * 1.001


def test_equal_maps_are_kept_once_and_missing_ones_are_none(job):
    found = layers_of(job, "s2").packed(10**7, lambda done: None)
    gradient = [row[0] for row in found["maps"]]
    assert gradient[:3] == [gradient[0]] * 3
    assert gradient[3] == -1
    # One gradient map, four of noise, four of probability.
    assert len(found["blobs"]) == 9


def test_too_little_room_makes_pixels_coarser_and_says_so(job):
    fine = layers_of(job).packed(10**7, lambda done: None)
    room = sum(map(len, fine["blobs"])) // 3
    coarse = layers_of(job).packed(room, lambda done: None)
    assert sum(map(len, coarse["blobs"])) <= room
    assert coarse["factor"] > 1
    assert coarse["um"] == pytest.approx(fine["um"] * coarse["factor"])
    assert coarse["width"] == -(-74 // coarse["factor"])
    assert coarse["across"] == pytest.approx(coarse["width"] * coarse["factor"] / 74)


def test_slide_score_and_accuracy_are_those_of_the_predictions(job):
    probability = 1 / (1 + np.exp(-np.linspace(-2, 2, 40)))
    assert slide_scores(job, "s1")[0] == pytest.approx(top_tenth(probability), abs=1e-4)
    table = job.predictions[MODELS[0]].table
    own = table[(table["slide_id"] == "s1") & (table["label"] != "mixed")]
    right = ((own["logit_1"] > own["logit_0"]) == (own["label"] == "tumour")).sum()
    assert accuracies(job)[0]["s1"] == [right, 32]


def test_without_predictions_the_maps_know_the_probabilities_and_no_slide_score_is_claimed(job):
    from dataclasses import replace

    bare = replace(job, predictions={})
    found = tile_probabilities(bare, "s1")
    assert found[0] == pytest.approx(1 / (1 + np.exp(-np.linspace(-2, 2, 40))))
    assert slide_scores(bare, "s1") == [None] * 4
    assert accuracies(bare) == [{}] * 4
    assert tile_probabilities(replace(bare, maps={}), "s1") == {}

"""The page where models were asked about slides: values of tiles in place of scores of tiles."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.artifacts.tile_set import TILES, TileSet
from tasks.reporting.review.details import slide_details
from tasks.reporting.review.scores import ReviewedScores
from tasks.reporting.review.slide import tile_table
from tasks.reporting.review.study import scales_of, study_data
from tasks.reporting.review.write import write_review
from tests._support.heatmap_jobs import make_slide
from tests._support.slide_reviews import MODELS, WHY, make_slide_review


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return make_slide_review(tmp_path_factory.mktemp("review"))


@pytest.fixture(scope="module")
def page(job, tmp_path_factory):
    out = tmp_path_factory.mktemp("page")
    write_review(job, out)
    return (out / "review.html").read_text(encoding="utf-8")


def data(page, name):
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page, re.DOTALL)
    return json.loads(found.group(1))


def test_the_value_of_a_tile_ranks_tiles_and_is_no_score(job):
    study = study_data(ReviewedScores(job), scales_of(job))
    assert study["by"] == "slide"
    assert [(s["metric"], s["unit"], s["ranks"], s["of_map"]) for s in study["scores"]] == [
        ("tile_deletion", "slide", False, False),
        ("value", "tile", True, True),
    ]
    assert [(e["id"], e["signed"], e["free"]) for e in study["explainers"]] == [
        ("contribution", True, False), ("attention", False, True), ("darkness", False, False),
    ]  # fmt: skip


def test_values_are_those_of_the_map(job):
    ids = job.slides["s1"].table["tile_id"]
    values = ReviewedScores(job).by_tile("s1", pd.Index(ids))
    np.testing.assert_array_equal(values[0, 0, 1], np.arange(40.0) - 20)
    np.testing.assert_array_equal(values[1, 2, 1], np.arange(40.0))


def test_each_slide_has_its_score_its_label_its_metrics_and_no_probabilities(page):
    slide = data(page, "slide-1")
    assert slide["slide_scores"] == [0.2, 0.3]
    assert slide["label"] == "normal"
    assert slide["probabilities"] == {}
    assert slide["records"]["of"][0][0][0][:4] == [0.2, None, None, 1]
    assert slide["missing"] == [[1, 1, WHY]]
    assert slide["explained"] == [40, 40]


def test_the_highest_and_the_lowest_tiles_are_stored_first_with_one_value_each(job):
    orders = [np.arange(40)[::-1]]
    found = slide_details(job, "s1", orders, [20.0, 40.0, 40.0], 30_000)
    assert found["side"] == 1
    assert [row for row, *_ in found["tiles"]][:2] == [39, 0]


def test_a_slide_without_pixels_is_shown_too(job, tmp_path):
    tiles = make_slide(tmp_path / "tiles", "s1")
    tiles.table.assign(state="failed", reason="no pixels").to_parquet(tiles.folder / TILES, index=False)
    alone = replace(job, slides={"s1": TileSet(tiles.folder)}, reports={}, failed={}, models=MODELS[:1])
    write_review(alone, tmp_path)
    slide = data((tmp_path / "review.html").read_text(encoding="utf-8"), "slide-0")
    assert slide["details"]["tiles"] == []
    assert slide["explained"] == [40, 40]
    assert slide["picture"]["uri"].startswith("data:image/webp")


def test_no_patient_is_named(page):
    assert "secret-7" not in page


def test_the_label_of_a_slide_is_not_told_as_that_of_its_tiles(job):
    tiles = job.slides["s1"]
    assert set(tile_table(tiles, labelled=True)["labels"]) != {""}
    bare = tile_table(tiles, labelled=False)
    assert (bare["labels"], set(bare["label"])) == ([""], {0})
    assert bare["ids"] == tiles.table["tile_id"].tolist()

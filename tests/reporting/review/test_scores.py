"""The scores next to a map: means and intervals of the slide, by the same rule as the comparison."""

import base64
import zlib

import numpy as np
import pandas as pd
import pytest

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.artifacts.spill import Spill
from tasks.reporting.review.budget import LISTED
from tasks.reporting.review.scores import NamedScore, ReviewedScores, faithful_order, packed_tile_scores
from tasks.statistics.cells import mean_estimate
from tests._support.review_jobs import EXPLAINERS, LEVEL, MODELS, make_review, score_rows, write_report

GAP = NamedScore("deletion", ScoreInfo(name="gap", direction="higher"), "tile")
COST = NamedScore("deletion", ScoreInfo(name="cost", direction="lower"), "tile")


@pytest.fixture(scope="module")
def scores(tmp_path_factory):
    return ReviewedScores(make_review(tmp_path_factory.mktemp("review")))


def unpacked(text: str) -> np.ndarray:
    data = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return np.cumsum(data[1:], dtype=np.uint8) if data[0] else data[1:]


def with_reports(tmp_path, rows, directions):
    from dataclasses import replace

    job = make_review(tmp_path)
    report = write_report(tmp_path / "own", rows, directions)
    shown = dict.fromkeys([*job.slides, *rows["slide_id"]], next(iter(job.slides.values())))
    return ReviewedScores(replace(job, slides=shown, reports={(MODELS[0], "gradient", "own"): report}))


def test_the_mean_is_of_this_slide_with_an_interval_over_its_sections(scores):
    found = scores.records("s1")
    mean, low, high, units, note, chance = found["of"][1][0][0]
    values = np.arange(40) / 40 + 1
    wanted = mean_estimate(values, np.arange(40) // 5, LEVEL)
    assert mean == pytest.approx(1.4875)
    assert (low, high) == pytest.approx((wanted.low, wanted.high), rel=1e-4)
    assert (units, chance) == (40, 0.0)
    assert found["notes"][note] == "clustered by section (8), conditional on this 1 patient"


def test_fewer_than_five_sections_give_a_sentence_in_place_of_an_interval(tmp_path):
    scores = with_reports(tmp_path, score_rows("s1", {"gap": np.ones(40)}, sections=4), {"gap": "higher"})
    found = scores.records("s1")
    assert found["of"][0][0][0][:4] == [1.0, None, None, 40]
    assert found["notes"] == [
        "no interval: 1 patient, 1 slide, 4 sections, and at least 5 of a kind are needed"
    ]


def test_unscored_tiles_count_nowhere_not_even_as_sections(tmp_path):
    values = np.where(np.arange(40) < 20, 3.0, np.nan)
    scores = with_reports(tmp_path, score_rows("s1", {"gap": values}, sections=8), {"gap": "higher"})
    assert scores.records("s1")["of"][0][0][0][:4] == [3.0, None, None, 20]
    by_tile = scores.by_tile("s1", pd.Index([f"s1/{32 * (i % 5)}_{32 * (i // 5)}" for i in range(40)]))
    assert np.array_equal(by_tile[0, 0, 0], values, equal_nan=True)


def test_a_slide_without_scores_has_none(tmp_path):
    scores = with_reports(tmp_path, score_rows("s1", {"gap": np.full(40, np.nan)}), {"gap": "higher"})
    assert scores.records("s1")["of"][0][0] == [None]
    assert scores.records("s2")["of"][0][0] == [None]
    assert scores.records("s1")["of"][1][1] == [None]


def test_scores_without_direction_or_of_sections_rank_no_tiles(scores):
    assert [named.of_tiles for named in scores.named] == [True, False]
    assert not NamedScore("auc", ScoreInfo(name="auc", direction="higher"), "section").of_tiles


def test_tile_scores_come_back_in_sixteen_bits(scores):
    ids = pd.Index(scores.job.slides["s1"].table["tile_id"])
    values = scores.by_tile("s1", ids)
    assert len(values) == len(MODELS) * len(EXPLAINERS) * 2
    found = packed_tile_scores(values, 10**6)
    assert (found["kept"], found["levels"]) == ("all", 65535)
    entry = next(entry for entry in found["of"] if entry[:3] == [1, 0, 0])
    high, low = np.split(unpacked(entry[5]).astype(int), 2)
    back = entry[3] + (high * 256 + low - 1) / 65534 * (entry[4] - entry[3])
    assert np.abs(back - (np.arange(40) / 40 + 1)).max() < 1e-4


def test_too_many_tile_scores_are_kept_in_fewer_bits_and_then_of_the_listed_tiles_alone():
    values = {(0, 0, k): np.random.default_rng(k).normal(size=2000) for k in range(4)}
    words = sum(len(entry[5]) for entry in packed_tile_scores(values, 10**9)["of"])
    fewer = packed_tile_scores(values, int(words * 0.6))
    assert (fewer["kept"], fewer["levels"]) == ("all", 255)
    least = packed_tile_scores(values, 100)
    assert least["kept"] == "listed"
    codes = unpacked(least["of"][0][5])
    kept = np.flatnonzero(codes)
    order = np.argsort(values[0, 0, 0])
    assert set(kept) == {*order[:LISTED], *order[-LISTED:]}


def test_the_most_faithful_come_first_by_the_mean_of_all_maps_but_controls():
    one, other, control = (
        np.array([0.0, 2.0, np.nan]),
        np.array([3.0, 2.0, np.nan]),
        np.array([9.0, 0.0, 9.0]),
    )
    values = {(0, 0, 0): one, (1, 0, 0): other, (0, 1, 0): control, (0, 0, 1): one}
    higher, lower = faithful_order(values, [GAP, COST], {1})
    assert higher.tolist() == [1, 0]
    assert lower.tolist() == [0, 1]


def test_a_report_of_a_model_or_explainer_that_the_page_does_not_show_is_ignored(tmp_path):
    from dataclasses import replace

    job = make_review(tmp_path)
    scores = ReviewedScores(replace(job, models=MODELS[:1], explainers=EXPLAINERS[:1]))
    assert len(scores.records("s1")["of"]) == 1
    assert set(scores.by_tile("s1", pd.Index(job.slides["s1"].table["tile_id"]))) == {(0, 0, 0), (0, 0, 1)}


def test_each_report_is_split_once_and_read_once_per_slide(tmp_path, monkeypatch):
    """Time must grow with the slides, not with their square: no slide looks at the scores of others."""
    rows = pd.concat(score_rows(f"s{i}", {"gap": np.arange(40) / 40, "size": np.ones(40)}) for i in range(9))
    scores = with_reports(tmp_path, rows, {"gap": "higher", "size": "none"})
    reads = []
    read = Spill.read
    monkeypatch.setattr(Spill, "read", lambda self, place: reads.append(place) or read(self, place))
    for i in range(9):
        ids = pd.Index([f"s{i}/{32 * (n % 5)}_{32 * (n // 5)}" for n in range(40)])
        found = scores.by_tile(f"s{i}", ids)
        assert found[0, 0, 0].tolist() == pytest.approx((np.arange(40) / 40).tolist())
        scores.records(f"s{i}")
    assert len(reads) == len(set(reads)) == 9 * 2


def test_scores_of_slides_that_the_page_does_not_show_are_left_where_they_are(tmp_path):
    from dataclasses import replace

    job = make_review(tmp_path)
    rows = pd.concat(score_rows(name, {"gap": np.ones(40)}) for name in ("s1", "elsewhere"))
    report = write_report(tmp_path / "own", rows, {"gap": "higher"})
    shown = {name: tiles for name, tiles in job.slides.items() if name == "s1"}
    scores = ReviewedScores(replace(job, slides=shown, reports={(MODELS[0], "gradient", "own"): report}))
    assert scores.units(0, 0, 0, "s1") is not None
    assert scores.units(0, 0, 0, "elsewhere") is None

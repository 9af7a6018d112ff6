"""Maps over seeds: planted agreement is found, folds are held apart, and constant maps have no rank."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from tasks.artifacts.tile_scores import ScoredBag, TileScores, write_tile_scores
from tasks.comparison.analyses.maps_over_seeds import maps_over_seeds
from tasks.comparison.job import ComparedMaps
from tasks.comparison.page.maps_over_seeds import seeds_section
from tests._support.slide_comparisons import bag_places, make_slide_job

TILES = 40


def written(folder, maps):
    folder.mkdir(parents=True)
    bags = [ScoredBag({"slide_id": s}, [f"{s}/{i}" for i in range(len(v))], v) for s, v in maps.items()]
    write_tile_scores(folder, bags)
    return TileScores(folder)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """A steady and an unsteady explainer, and one whose maps are constant; two folds of three seeds."""
    folder = tmp_path_factory.mktemp("maps")
    slides, generator, maps = list(bag_places()["slide_id"]), np.random.default_rng(0), []
    common = {slide: generator.normal(size=TILES) for slide in slides}
    for fold, own in ((0, slides[::2]), (1, slides[1::2])):
        for seed in range(3):
            for name, steady, noise in (("steady", 1, 0.1), ("drawn", 0, 1), ("flat", 0, 0)):
                values = {
                    slide: np.float32(steady * common[slide] + noise * generator.normal(size=TILES))
                    for slide in own
                }
                scores = written(folder / f"{name}{fold}{seed}", values)
                maps.append(ComparedMaps("abmil", seed, fold, name, "contribution", scores))
    return replace(make_slide_job(folder / "job"), maps=tuple(maps))


def test_planted_agreement_is_found(job):
    found = maps_over_seeds(job, 0.95)
    rows = {row.explainer: row for row in found.rows}
    assert {row.slides for row in found.rows} == {24}
    assert rows["steady"].spearman[1] > 0.9
    assert rows["steady"].overlap[1] > 0.7
    assert rows["drawn"].spearman[1] < 0 < rows["drawn"].spearman[2]
    assert rows["drawn"].overlap[1] < rows["drawn"].chance < rows["drawn"].overlap[2]
    assert np.isnan(rows["flat"].spearman).all()
    assert found.note.startswith("clustered by patient (24)")


def test_each_pair_of_seeds_is_compared_within_its_fold(job):
    table = maps_over_seeds(job, 0.95).table
    assert len(table) == 3 * 24 * 3
    assert set(zip(table["first"], table["second"], strict=True)) == {("0", "1"), ("0", "2"), ("1", "2")}
    row = table[(table["explainer"] == "drawn") & (table["slide_id"] == "s3")].iloc[0]
    one, other = (
        next(m.scores for m in job.maps if (m.explainer, m.fold, m.seed) == ("drawn", 1, int(seed)))
        for seed in (row["first"], row["second"])
    )
    assert row["spearman"] == pytest.approx(spearmanr(one.values("s3"), other.values("s3")).statistic)
    assert "patient_id" not in table


def test_the_page_says_what_chance_is_and_leaves_constant_maps_without_a_number(job):
    page = "\n".join(seeds_section(maps_over_seeds(job, 0.95)))
    assert "clustered by patient (24)" in page
    assert "| abmil | flat | 24 | - | - | 0.100 |" in page
    assert "secret" not in page


def test_one_seed_has_nothing_to_be_compared_with(job):
    alone = replace(job, maps=tuple(m for m in job.maps if m.seed == 0))
    assert maps_over_seeds(alone, 0.95) is None
    assert seeds_section(None) == []

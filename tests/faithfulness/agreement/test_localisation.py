"""The same maps against the same masks, on tiles that are all tissue."""

import numpy as np
import pytest

from tasks.faithfulness.mass_accuracy import MassAccuracy
from tasks.faithfulness.pixel_auc import PixelAuc
from tasks.faithfulness.pointing_game import PointingGame
from tasks.faithfulness.rank_accuracy import RankAccuracy
from tasks.faithfulness.top_k_intersection import TopKIntersection
from tests._support.agreement import inputs, quantus, score, values


@pytest.mark.parametrize(
    ("ranked_by", "case"), [("magnitude", "relevance_rank"), ("signed", "relevance_rank_signed")]
)
def test_rank_accuracy_before_its_correction_for_chance(tmp_path, ranked_by, case):
    ours = values(score(tmp_path, RankAccuracy(ranked_by=ranked_by), inputs()["maps"]), "raw")
    np.testing.assert_allclose(ours, quantus(case), atol=1e-9)


@pytest.mark.parametrize("case", ["relevance_mass", "attribution_localisation"])
def test_mass_accuracy_before_its_correction_for_chance(tmp_path, case):
    ours = values(score(tmp_path, MassAccuracy(), inputs()["maps"]), "raw")
    np.testing.assert_allclose(ours, quantus(case), atol=1e-6)


@pytest.mark.parametrize(("ranked_by", "case"), [("magnitude", "auc"), ("signed", "auc_signed")])
def test_pixel_auc(tmp_path, ranked_by, case):
    ours = values(score(tmp_path, PixelAuc(ranked_by=ranked_by), inputs()["maps"]), "auc")
    np.testing.assert_allclose(ours, quantus(case), atol=1e-9)


def test_pixel_auc_of_ties(tmp_path):
    ours = values(score(tmp_path, PixelAuc(), np.abs(inputs()["maps"]).round(0)), "auc")
    np.testing.assert_allclose(ours, quantus("auc_ties"), atol=1e-9)


def test_top_k_before_its_correction_for_chance(tmp_path):
    """13 pixels are a twentieth of the tile; no mask is smaller."""
    ours = values(score(tmp_path, TopKIntersection(top=0.05), inputs()["maps"]), "raw")
    np.testing.assert_allclose(ours, quantus("top_k"), atol=1e-9)


def test_pointing_game_without_tolerance(tmp_path):
    ours = values(score(tmp_path, PointingGame(tolerance_px=0), inputs()["maps"]), "raw")
    assert ours.tolist() == quantus("pointing_game").astype(float).tolist()


def test_tied_maxima_are_hits_for_quantus_and_count_by_their_share_here(tmp_path):
    """A map whose maximum is everywhere would win the game; any one of the tied pixels may be the highest."""
    assert quantus("pointing_game_ties").all()
    maps = np.abs(inputs()["maps"]).clip(max=1.0)
    ours = values(score(tmp_path, PointingGame(tolerance_px=0), maps), "raw")
    highest, masks = maps == 1, inputs()["masks"]
    right = (highest & masks).sum((1, 2)) / highest.sum((1, 2))
    np.testing.assert_allclose(ours, right, atol=1e-12)
    assert (ours < 0.6).all()


def test_a_tile_without_a_mask_is_a_hit_for_quantus_and_left_out_here(tmp_path):
    """Its NaN is written into an array of truth values, where it is true."""
    assert quantus("pointing_game_empty")[0]
    masks = inputs()["masks"] & (np.arange(6) > 0)[:, None, None]
    result = score(tmp_path, PointingGame(tolerance_px=0), inputs()["maps"], masks=masks)
    assert np.isnan(values(result, "raw")).tolist() == [True] + 5 * [False]
    assert result.info.excluded["no mask on the tile's tissue"] == 1

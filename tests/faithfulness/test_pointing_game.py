"""The pointing game on tiles drawn by hand."""

import numpy as np
import pytest

from tasks.faithfulness.pointing_game import PointingGame
from tests._support.attribution_sets import noise
from tests._support.mask_tiles import chances_of, scored_tile, values_of
from tests._support.scored_maps import score


def square(canvas):
    """Four pixels, rows and columns 6 and 7."""
    canvas[6:8, 6:8] = 1


def left_half(canvas):
    canvas[:, :8] = 1


def peak_at(row, column):
    def draw(canvas):
        canvas[row, column] = 1

    return draw


@pytest.mark.parametrize(
    ("row", "column", "tolerance", "hit"),
    [
        (6, 7, 0.0, 1.0),
        (6, 8, 0.0, 0.0),
        (6, 8, 1.0, 1.0),
        (8, 8, 1.0, 0.0),
        (8, 8, 1.5, 1.0),
        (6, 10, 2.9, 0.0),
        (6, 10, 3.0, 1.0),
        (10, 10, 4.0, 0.0),
    ],
)
def test_a_hit_is_within_the_tolerance_as_the_crow_flies(tmp_path, row, column, tolerance, hit):
    result = scored_tile(tmp_path, PointingGame(tolerance_px=tolerance), square, peak_at(row, column))
    assert values_of(result, "raw").tolist() == [hit]


@pytest.mark.parametrize(("tolerance", "near"), [(0.0, 4), (1.0, 12), (1.5, 16)])
def test_the_chance_grows_with_the_tolerance(tmp_path, tolerance, near):
    metric = PointingGame(tolerance_px=tolerance)
    result = scored_tile(tmp_path, metric, square, peak_at(0, 0))
    chance = near / 256
    assert chances_of(result, "raw").tolist() == [chance]
    assert values_of(result, "corrected").tolist() == pytest.approx([-chance / (1 - chance)], abs=1e-15)
    assert chances_of(result, "corrected").tolist() == [0.0]


def test_a_maximum_among_several_is_no_hit_by_itself(tmp_path):
    """Three pixels share the maximum, one of them on the mask; a constant map scores chance."""

    def three(canvas):
        canvas[6, 6] = canvas[0, 0] = canvas[15, 15] = 5

    metric = PointingGame(tolerance_px=0)
    tied = scored_tile(tmp_path / "tied", metric, square, three)
    flat = scored_tile(tmp_path / "flat", metric, square, lambda canvas: canvas.fill(2.0))
    assert values_of(tied, "raw").tolist() == pytest.approx([1 / 3], abs=1e-15)
    assert values_of(flat, "raw").tolist() == pytest.approx([4 / 256], abs=1e-15)
    assert values_of(flat, "corrected").tolist() == pytest.approx([0.0], abs=1e-15)


def test_the_highest_pixel_is_looked_for_on_tissue_alone(tmp_path):
    def tissue(canvas):
        canvas[4:12, 4:12] = 1

    def maps(canvas):
        canvas[0, 0] = 100
        canvas[6, 6] = 1

    result = scored_tile(tmp_path, PointingGame(tolerance_px=1), square, maps, tissue)
    assert values_of(result, "raw").tolist() == [1.0]
    assert chances_of(result, "raw").tolist() == [12 / 64]


def test_the_tolerance_is_around_the_mask_on_tissue_alone(tmp_path):
    """The mask reaches over glass as far as the peak; on tissue it ends ten columns away."""

    def tissue(canvas):
        canvas[:] = 1
        canvas[:4] = 0

    def mask(canvas):
        canvas[3] = 1
        canvas[4, :4] = 1

    result = scored_tile(tmp_path, PointingGame(tolerance_px=2), mask, peak_at(4, 14), tissue)
    assert values_of(result, "raw").tolist() == [0.0]


def test_a_random_map_scores_zero_on_average(tmp_path):
    corrected = values_of(score(tmp_path, noise, PointingGame(mask="evidence"), count=500), "corrected")
    assert len(corrected) > 100
    assert abs(corrected.mean()) < 4 * corrected.std() / len(corrected) ** 0.5


def test_empty_and_full_masks_are_counted_and_never_hits(tmp_path):
    result = score(tmp_path, lambda t: np.ones((40, 16, 16)), PointingGame())
    assert len(values_of(result, "raw")) == len(values_of(result, "corrected")) == 8
    assert result.info.excluded == {
        "no tissue in the tile": 0,
        "no mask on the tile's tissue": 16,
        "mask covers all of the tile's tissue": 16,
        "tolerance covers the rest of the tile's tissue": 0,
    }


def test_a_tolerance_that_leaves_nothing_to_miss_is_told_apart(tmp_path):
    result = scored_tile(tmp_path, PointingGame(tolerance_px=30), square, peak_at(0, 0))
    assert len(values_of(result, "raw")) == 0
    assert result.info.excluded == {
        "no tissue in the tile": 0,
        "no mask on the tile's tissue": 0,
        "mask covers all of the tile's tissue": 0,
        "tolerance covers the rest of the tile's tissue": 1,
    }


@pytest.mark.parametrize(("ranked_by", "expected"), [("signed", 0.0), ("magnitude", 1.0)])
def test_the_sign_counts_where_it_is_asked_for(tmp_path, ranked_by, expected):
    def maps(canvas):
        canvas[2, 2], canvas[2, 14] = -3, 1

    metric = PointingGame(ranked_by=ranked_by, tolerance_px=0)
    assert values_of(scored_tile(tmp_path, metric, left_half, maps), "raw").tolist() == [expected]


@pytest.mark.parametrize(("mask", "direction"), [("annotation", "higher"), ("artefact", "none")])
def test_neither_end_is_better_on_an_artefact(mask, direction):
    assert {info.direction for info in PointingGame(mask=mask).score_infos()} == {direction}

"""Top-k intersection on tiles drawn by hand."""

import numpy as np
import pytest

from tasks.faithfulness.top_k_intersection import TopKIntersection
from tests._support.attribution_sets import noise
from tests._support.mask_tiles import chances_of, scored_tile, values_of
from tests._support.scored_maps import score


def left_half(canvas):
    canvas[:, :8] = 1


def test_the_share_and_its_chance_by_hand(tmp_path):
    """Of the highest 16 of 256 pixels four lie on the mask, half of the tile: (1/4 - 1/2) / (1/2)."""

    def maps(canvas):
        canvas[3, :4] = 9
        canvas[8, 8:] = 8
        canvas[9, 8:12] = 8

    result = scored_tile(tmp_path, TopKIntersection(top=1 / 16), left_half, maps)
    assert values_of(result, "raw").tolist() == [0.25]
    assert values_of(result, "corrected").tolist() == [-0.5]
    assert chances_of(result, "raw").tolist() == [0.5]
    assert chances_of(result, "corrected").tolist() == [0.0]


@pytest.mark.parametrize(("top", "raw"), [(1 / 256, 1.0), (4 / 256, 1.0), (8 / 256, 0.5), (0.0001, 1.0)])
def test_k_is_a_share_of_the_tissue_and_at_least_one_pixel(tmp_path, top, raw):
    def maps(canvas):
        canvas[0, :4] = [9, 8, 7, 6]
        canvas[1, 12:] = [5, 4, 3, 2]

    result = scored_tile(tmp_path, TopKIntersection(top=top), left_half, maps)
    assert values_of(result, "raw").tolist() == [raw]


def test_k_counts_tissue_and_not_glass(tmp_path):
    """A quarter of the tile is tissue, 64 pixels, an eighth is looked at: eight, six of them hits."""

    def tissue(canvas):
        canvas[:8, 4:12] = 1

    def maps(canvas):
        canvas[0, 4:8] = canvas[1, 4:6] = 5
        canvas[0, 8:10] = 4
        canvas[8:] = 100

    result = scored_tile(tmp_path, TopKIntersection(top=1 / 8), left_half, maps, tissue)
    assert values_of(result, "raw").tolist() == [0.75]
    assert chances_of(result, "raw").tolist() == [0.5]


def test_a_mask_smaller_than_k_can_still_be_found_whole(tmp_path):
    """Four pixels of mask, 128 to be looked at: the mask as its own map is perfect, its opposite misses."""

    def mask(canvas):
        canvas[5, 5:9] = 1

    def all_but(canvas):
        canvas[:] = 1
        canvas[5, 5:9] = 0

    found = scored_tile(tmp_path / "to", TopKIntersection(top=0.5), mask, mask)
    assert values_of(found, "raw").tolist() == values_of(found, "corrected").tolist() == [1.0]
    missed = scored_tile(tmp_path / "from", TopKIntersection(top=0.5), mask, all_but)
    assert values_of(missed, "raw").tolist() == [0.0]
    assert values_of(missed, "corrected").tolist() == pytest.approx([-(4 / 256) / (252 / 256)], abs=1e-15)


def test_a_constant_map_scores_chance_and_not_a_hit(tmp_path):
    result = scored_tile(tmp_path, TopKIntersection(), left_half, lambda canvas: canvas.fill(3.0))
    assert values_of(result, "raw").tolist() == pytest.approx([0.5], abs=1e-15)
    assert values_of(result, "corrected").tolist() == pytest.approx([0.0], abs=1e-15)


def test_a_random_map_scores_zero_on_average(tmp_path):
    corrected = values_of(score(tmp_path, noise, TopKIntersection(mask="evidence"), count=500), "corrected")
    assert len(corrected) > 100
    assert abs(corrected.mean()) < 4 * corrected.std() / len(corrected) ** 0.5


def test_empty_and_full_masks_are_counted_and_never_hits(tmp_path):
    result = score(tmp_path, lambda t: np.ones((40, 16, 16)), TopKIntersection())
    assert len(values_of(result, "raw")) == len(values_of(result, "corrected")) == 8
    assert result.info.excluded == {
        "no tissue in the tile": 0,
        "no mask on the tile's tissue": 16,
        "mask covers all of the tile's tissue": 16,
    }


@pytest.mark.parametrize(("ranked_by", "expected"), [("signed", 0.0), ("magnitude", 1.0)])
def test_the_sign_counts_where_it_is_asked_for(tmp_path, ranked_by, expected):
    metric = TopKIntersection(ranked_by=ranked_by)
    result = scored_tile(tmp_path, metric, left_half, lambda canvas: np.copyto(canvas[:, :8], -1.0))
    assert values_of(result, "raw").tolist() == [expected]


@pytest.mark.parametrize(("mask", "direction"), [("annotation", "higher"), ("artefact", "none")])
def test_neither_end_is_better_on_an_artefact(mask, direction):
    assert {info.direction for info in TopKIntersection(mask=mask).score_infos()} == {direction}

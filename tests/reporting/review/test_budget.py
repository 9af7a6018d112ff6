"""The bytes of the page are split by stated rules."""

import pytest

from tasks.reporting.review.budget import (
    LEAST_BYTES,
    LEAST_DETAILED,
    MARGIN,
    MOST_BYTES,
    PAGE_BYTES,
    TILE_PICTURE_BYTES,
    Allowance,
    Detail,
    SlideBudget,
    as_json,
    detail_of,
    first_side,
    slide_budget,
)


def test_all_slides_have_the_same_budget():
    assert slide_budget(12, 500_000).total == (PAGE_BYTES - MARGIN - 500_000) // 12
    assert slide_budget(1000, 500_000).total == LEAST_BYTES
    assert slide_budget(1, 500_000).total == MOST_BYTES


def test_parts_take_no_more_than_the_whole():
    budget = SlideBudget(1_000_000)
    parts = (budget.picture, budget.outlines, budget.scores, budget.rest, budget.maps, budget.details)
    assert sum(parts) == budget.total


def test_unused_bytes_of_a_part_go_to_the_next_and_overspent_ones_are_subtracted():
    allowance = Allowance()
    part = {"a": "1234"}
    assert allowance.spend(100, part) is part
    assert allowance.available(50) == 50 + 100 - len('{"a":"1234"}')
    allowance.spend(0, "x" * 500)
    assert allowance.available(50) == 0


def test_json_is_short_keeps_letters_and_refuses_what_is_no_number():
    assert as_json({"é": [1, None]}) == '{"é":[1,null]}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        as_json(float("nan"))


def test_maps_begin_no_finer_than_the_thumbnail_and_no_finer_than_could_fit():
    assert first_side(10**9, 1, (700, 1024), 1.0) == 1024
    # 0.15 bytes a pixel, four thirds in base64: 100 maps of 64 x 64 pixels take 81920 bytes.
    assert first_side(81_920, 100, (500, 500), 1.0) == 64
    assert first_side(81_920, 100, (500, 500), 0.25) == 128
    assert first_side(1, 100, (500, 500), 1.0) == 16


def test_every_tile_in_full_where_it_fits():
    assert detail_of(10**9, 200, 3, 10, 64) == Detail(64, True, 200)
    assert detail_of(10**9, 200, 3, 10, 224).side == 128


def test_resolution_is_reduced_first_and_other_seeds_last():
    one = 30 * 32**2 * 4 / 3 + TILE_PICTURE_BYTES
    assert detail_of(int(one * LEAST_DETAILED) + 1, 200, 3, 10, 64) == Detail(32, True, LEAST_DETAILED)
    fewer = detail_of(int(one * LEAST_DETAILED) - 1, 200, 3, 10, 64)
    assert fewer.side == 48
    assert not fewer.all_seeds
    assert fewer.tiles >= LEAST_DETAILED


def test_too_little_room_keeps_few_tiles_and_a_study_without_maps_none():
    assert detail_of(30_000, 200, 3, 10, 64).tiles < LEAST_DETAILED
    assert detail_of(30_000, 200, 1, 10, 64).all_seeds
    assert detail_of(10**6, 200, 3, 0, 64).tiles == 0

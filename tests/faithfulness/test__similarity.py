"""Rank correlations of maps against scipy, and what has none."""

import pytest
import torch
from scipy.stats import spearmanr

from tasks.faithfulness._similarity import BROKEN, UNRANKED, excluded_maps, rank_similarity


def draw(*shape: int, decimals: int = 1) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).round(decimals=decimals)


def test_it_is_spearmans_correlation_with_ties_at_midranks():
    maps, others = draw(4, 6, 7), draw(3, 4, 6, 7) + 0.5 * draw(4, 6, 7)
    found = rank_similarity(maps, others)
    assert found.shape == (3, 4)
    assert len(maps[0].unique()) < maps[0].numel()
    for stage, tile in ((0, 0), (1, 3), (2, 2)):
        known = spearmanr(maps[tile].flatten(), others[stage, tile].flatten()).statistic
        assert found[stage, tile].item() == pytest.approx(known, abs=1e-12)


def test_only_the_order_counts():
    maps = draw(2, 5, 5, decimals=4)
    others = torch.stack([maps.exp(), -(maps**3), 7 * maps + 2])
    expected = torch.tensor([[1.0] * 2, [-1.0] * 2, [1.0] * 2]).double()
    torch.testing.assert_close(rank_similarity(maps, others), expected)


def test_zeros_of_both_signs_are_a_tie():
    maps = torch.tensor([[[-0.0, 0.0], [0.0, 1.0]]])
    assert rank_similarity(maps, torch.tensor([[[[0.0, -0.0], [-0.0, 2.0]]]])).item() == pytest.approx(1.0)


def test_a_constant_map_among_the_others_has_nothing_left_and_a_constant_own_map_no_score():
    maps = torch.stack([draw(5, 5), torch.full((5, 5), 3.0)])
    found = rank_similarity(maps, torch.stack([torch.ones(2, 5, 5), draw(2, 5, 5)]))
    assert found[0, 0] == 0
    assert found[:, 1].isnan().all()
    assert found[1, 0].isfinite()


def test_who_is_excluded_has_one_reason():
    signs = torch.ones(5, 5)
    signs[0] = -1
    maps = torch.stack([draw(5, 5), torch.zeros(5, 5), signs, draw(5, 5)])
    others = draw(2, 4, 5, 5)
    others[1, 1:, 0, 0] = torch.tensor([torch.nan, torch.inf, torch.inf])
    reasons = excluded_maps(maps, others)
    assert reasons[UNRANKED].tolist() == [False, True, True, False]
    assert reasons[BROKEN].tolist() == [False, False, False, True]
    assert rank_similarity(maps, others)[:, 3].isnan().tolist() == [False, True]


def test_elements_that_do_not_exist_count_for_nothing():
    generator = torch.Generator().manual_seed(0)
    values, others = torch.randn(3, 9, generator=generator).round(decimals=1), torch.randn(2, 3, 9)
    elements = (torch.arange(12) < 9).expand(3, -1)
    padded = torch.cat([values, torch.full((3, 3), 50.0)], dim=1)
    padded_others = torch.cat([others, torch.full((2, 3, 3), -50.0)], dim=2)
    torch.testing.assert_close(
        rank_similarity(padded, padded_others, elements), rank_similarity(values, others)
    )
    flat = torch.cat([torch.ones(3, 9), torch.zeros(3, 3)], dim=1)
    assert excluded_maps(flat, padded_others, elements)[UNRANKED].all()

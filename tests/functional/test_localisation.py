"""Measures of localisation with known answers, and against sklearn."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from tasks.functional.localisation import above_chance, rank_accuracy, roc_auc
from tasks.functional.noise import normal
from tasks.functional.ranking import tie_keys

PIXELS = 400


def score(maps: torch.Tensor, mask: torch.Tensor, inside: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return rank_accuracy(maps, mask, inside, tie_keys(0, torch.arange(len(maps)), "test", PIXELS))


def test_the_mask_as_its_own_map_scores_one_and_its_opposite_none():
    mask = torch.rand(3, PIXELS, generator=torch.Generator().manual_seed(0)) < 0.3
    inside = torch.ones_like(mask)
    raw, chance = score(mask.float(), mask, inside)
    assert raw.tolist() == [1.0] * 3
    assert chance.tolist() == pytest.approx(mask.double().mean(1).tolist())
    assert above_chance(raw, chance).tolist() == [1.0] * 3
    opposite, _ = score(-mask.float(), mask, inside)
    assert opposite.tolist() == [0.0] * 3


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("constant", [False, True])
def test_a_random_and_a_constant_map_score_zero_above_chance(share, constant):
    count = 300
    mask = (torch.arange(PIXELS) < share * PIXELS).expand(count, -1)
    maps = torch.zeros(count, PIXELS) if constant else normal(5, torch.arange(count), 0, (PIXELS,))
    corrected = above_chance(*score(maps, mask, torch.ones_like(mask)))
    assert corrected.mean().item() == pytest.approx(0, abs=4 * corrected.std().item() / math.sqrt(count))


def test_what_lies_outside_tissue_neither_hits_nor_counts():
    inside = torch.zeros(1, PIXELS, dtype=torch.bool)
    inside[:, :100] = True
    mask = torch.zeros_like(inside)
    mask[:, 50:200] = True
    maps = torch.zeros(1, PIXELS)
    maps[:, 100:] = 9.0
    maps[:, 50:75] = 1.0
    raw, chance = score(maps, mask, inside)
    assert chance.item() == 0.5
    assert 0.5 <= raw.item() <= 1.0
    maps[:, 75:100] = 0.5
    assert score(maps, mask, inside)[0].item() == 1.0


def test_empty_masks_give_no_number():
    nothing = torch.zeros(1, PIXELS, dtype=torch.bool)
    raw, _ = score(torch.rand(1, PIXELS), nothing, ~nothing)
    assert raw.isnan().all()
    assert above_chance(torch.ones(1), torch.ones(1)).isnan().all()


@pytest.mark.parametrize("levels", [2, 7, 10_000])
def test_the_area_agrees_with_sklearn_with_and_without_ties(levels):
    generator = np.random.default_rng(levels)
    scores, labels = generator.integers(levels, size=500) - 3.0, generator.uniform(size=500) < 0.2
    assert roc_auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_the_area_needs_both_classes():
    assert math.isnan(roc_auc([0.1, 0.2], [True, True]))
    assert math.isnan(roc_auc([], []))
    assert roc_auc([0.0, 0.0, 0.0], [True, False, False]) == 0.5

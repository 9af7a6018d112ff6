"""Ranking scores against scikit-learn, with ties, and their chance levels."""

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, ndcg_score, roc_auc_score

from tasks.functional.ranked_truth import RankedTruth

SIZES = (50, 7, 2, 30)


def made(levels: int | None, seed: int = 0) -> RankedTruth:
    """Return rows of values, rounded to ``levels`` where they shall be tied; a fifth does not take part."""
    generator = np.random.default_rng(seed)
    width = max(SIZES)
    values = generator.normal(size=(len(SIZES), width))
    if levels:
        values = np.round(values * levels) / levels
    inside = (generator.random(values.shape) < 0.8) & (np.arange(width) < np.array(SIZES)[:, None])
    inside[:, :2] = True
    truth = inside & (generator.random(values.shape) < 0.3)
    truth[:, 0], truth[:, 1] = True, False
    return RankedTruth(torch.from_numpy(values), torch.from_numpy(truth), torch.from_numpy(inside))


@pytest.mark.parametrize("levels", [None, 1], ids=["no_ties", "ties"])
def test_it_says_what_scikit_learn_says(levels):
    ranked = made(levels)
    for row in range(len(SIZES)):
        inside = ranked.inside[row].numpy()
        truth, values = ranked.truth[row].numpy()[inside], ranked.values[row].numpy()[inside]
        assert ranked.auroc()[row].item() == pytest.approx(roc_auc_score(truth, values), abs=1e-12)
        assert ranked.auprc()[row].item() == pytest.approx(average_precision_score(truth, values), abs=1e-12)
        expected = ndcg_score(truth[None].astype(float), values[None])
        assert ranked.ndcg()[row].item() == pytest.approx(expected, abs=1e-12)


def test_rows_without_both_kinds_have_no_score():
    truth = torch.tensor([[False, False], [True, True], [True, False]])
    ranked = RankedTruth(torch.rand(3, 2), truth, torch.ones(3, 2, dtype=torch.bool))
    for scores in (ranked.auroc(), ranked.auprc(), ranked.ndcg(), ranked.prevalence(), ranked.chance_ndcg()):
        assert scores.isnan().tolist() == [True, True, False]


def test_equal_values_score_chance():
    truth = torch.arange(20)[None] < 6
    ranked = RankedTruth(torch.zeros(1, 20), truth, torch.ones(1, 20, dtype=torch.bool))
    assert ranked.auroc().item() == 0.5
    assert ranked.auprc().item() == pytest.approx(ranked.prevalence().item()) == pytest.approx(0.3)
    assert ranked.ndcg().item() == pytest.approx(ranked.chance_ndcg().item())


def test_chance_of_ndcg_is_the_mean_of_random_orders():
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(4000, 20, generator=generator)
    truth = (torch.arange(20) < 6).expand(4000, -1)
    ranked = RankedTruth(values, truth, torch.ones(4000, 20, dtype=torch.bool))
    assert ranked.ndcg().mean().item() == pytest.approx(ranked.chance_ndcg()[0].item(), abs=0.005)

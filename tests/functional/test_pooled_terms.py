"""Pooled terms give the logits of any part of a bag."""

import torch

from tasks.functional.pooled_terms import Pooled, PooledTerms
from tasks.models.mil.abmil import Abmil

INF = float("inf")


def test_contributions_are_shares_of_votes_and_sum_to_the_logits():
    weights = torch.tensor([[[0.0], [0.0], [-INF]]])
    votes = torch.tensor([[[1.0, 0.0], [3.0, -2.0], [0.0, 0.0]]])
    terms = PooledTerms(weights, votes, torch.tensor([0.5, 0.0]))
    assert terms.contributions.tolist() == [[[0.5, 0.0], [1.5, -1.0], [0.0, 0.0]]]
    assert terms.logits.tolist() == [[2.5, -1.0]]


def test_an_empty_bag_has_the_bias_as_logits():
    terms = PooledTerms(torch.full((1, 3, 1), -INF), torch.zeros(1, 3, 2), torch.tensor([0.5, -1.0]))
    assert terms.logits.tolist() == [[0.5, -1.0]]


def test_a_model_says_that_it_is_pooled():
    assert isinstance(Abmil().build(dim=4, classes=2, seed=0), Pooled)

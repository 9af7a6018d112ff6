"""What is left of the logits when tiles leave a bag, in closed form: no network is asked again.

With the terms of a bag (:mod:`tasks.functional.pooled_terms`) the logits of any part of it are a quotient of
two sums. Along an order in which tiles leave, both are sums over what is still there. So one cumulative sum
from the end gives every step of a curve, and nothing is ever subtracted: the last tiles of a bag, whose
weights may be tiny, lose no digits. All sums are float64.
"""

import math

import torch
from torch import Tensor

from tasks.functional.gradients import target_margin
from tasks.functional.pooled_terms import PooledTerms

_SPAN = 500.0
"""Log weights this far apart are summed apart: exp(-745) is 0 in float64."""


def removal_logits(terms: PooledTerms, ranks: Tensor, counts: Tensor | None = None) -> Tensor:
    """Return float64 [S, O, B, K]: the logits after the first tiles of each order have left.

    Args:
        terms: of B bags of N tiles.
        ranks: int64 [O, B, N], the position of each tile in each order, from 0; padding comes last.
        counts: int64 [S, B], how many tiles have left; None: every number from 0 to N.
    """
    places = torch.arange(ranks.shape[2], device=ranks.device).expand_as(ranks)
    # Ranks are a permutation, so this scatter is one too.
    order = torch.empty_like(ranks).scatter_(2, ranks, places)
    pooled = _suffix_means(terms.log_weights.double(), terms.votes.double(), order).permute(2, 0, 1, 3)
    if counts is not None:
        steps = counts[:, None, :, None].expand(-1, *pooled.shape[1:])
        pooled = pooled.gather(0, steps)
    return pooled + terms.bias.double()


def keep_one(terms: PooledTerms, target: Tensor) -> Tensor:
    """Return float64 [B, N]: the margin of each tile alone, minus that of the empty bag; 0 on padding.

    Args:
        terms: of B bags of N tiles.
        target: int64 [B], the explained classes.
    """
    there = _there(terms)
    alone = _margins(terms.votes.double() + terms.bias.double(), target)
    empty = target_margin(terms.bias.double().expand(len(target), -1), target)
    return torch.where(there, alone - empty[:, None], 0.0)


def drop_one(terms: PooledTerms, target: Tensor) -> Tensor:
    """Return float64 [B, N]: the margin of the bag minus that of the bag without each tile; 0 on padding.

    A bag of a single tile has nothing to compare with: NaN. Sums before and after a tile are added, so a tile
    that holds nearly all weight costs no digits.

    Args:
        terms: of B bags of N tiles.
        target: int64 [B], the explained classes.
    """
    there = _there(terms)
    weights, votes = terms.log_weights.double(), terms.votes.double()
    without = _means_without(weights, votes) + terms.bias.double()
    clean = PooledTerms(weights, votes, terms.bias.double()).logits
    dropped = target_margin(clean, target)[:, None] - _margins(without, target)
    single = there & (there.sum(1, keepdim=True) == 1)
    return torch.where(there, dropped, 0.0).masked_fill(single, torch.nan)


def _there(terms: PooledTerms) -> Tensor:
    return torch.isfinite(terms.log_weights).any(2)


def _margins(logits: Tensor, target: Tensor) -> Tensor:
    """Return [B, N] of logits [B, N, K]."""
    count = logits.shape[1]
    return target_margin(logits.flatten(0, 1), target.repeat_interleave(count)).view(-1, count)


def _suffix_means(log_weights: Tensor, votes: Tensor, order: Tensor) -> Tensor:
    """Return [O, B, N + 1, K]: the weighted mean of the votes from each place on; 0 at the end."""
    found = _scaled_means(log_weights, votes, order, log_weights.amax(1, keepdim=True)[None])
    lowest = log_weights.masked_fill(~torch.isfinite(log_weights), math.inf).amin()
    if not log_weights.amax() - lowest > _SPAN:
        return found
    # Only where weights differ beyond what float64 holds: what is left is scaled by its own largest.
    left = _along(log_weights, order).flip(2).cummax(2).values.flip(2)
    top = left[:, :, :1]
    level = ((top - left) / _SPAN).floor().nan_to_num(0.0, posinf=0.0)
    level = torch.cat([level, torch.zeros_like(top)], 2)
    for step in torch.unique(level).tolist()[1:]:
        again = _scaled_means(log_weights, votes, order, top - step * _SPAN)
        found = torch.where(level == step, again, found)
    return found


def _scaled_means(log_weights: Tensor, votes: Tensor, order: Tensor, top: Tensor) -> Tensor:
    """Return the same with weights divided by exp(``top``), [1 or O, B, 1, 1 or K]."""
    # In all orders a tile weighs the same, so what is added up is computed before tiles are sorted.
    weights = (log_weights - top[0].nan_to_num(0.0, neginf=0.0)).clamp(max=_SPAN).exp()
    sums = _along(torch.cat([weights, weights * votes], 2), order).flip(2).cumsum(2).flip(2)
    total = sums[..., : weights.shape[2]]
    means = sums[..., weights.shape[2] :] / torch.where(total > 0, total, 1.0)
    return torch.cat([means, torch.zeros_like(means[:, :, :1])], 2)


def _along(values: Tensor, order: Tensor) -> Tensor:
    """Return [O, B, N, C]: ``values`` [B, N, C] in each order [O, B, N]."""
    orders, bags, tiles = order.shape
    rows = order + (torch.arange(bags, device=order.device) * tiles)[:, None]
    return values.reshape(bags * tiles, -1)[rows.view(-1)].view(orders, bags, tiles, -1)


def _means_without(log_weights: Tensor, votes: Tensor) -> Tensor:
    """Return [B, N, K]: the weighted mean of the votes of all other tiles; 0 where there is none."""
    # A tile that stands out is scaled away for itself alone, so the others are summed by their own largest.
    top, place = log_weights.max(1, keepdim=True)
    others = log_weights.scatter(1, place, -math.inf)
    second = others.amax(1, keepdim=True).nan_to_num(0.0, neginf=0.0)
    rest = (others - second).exp()
    rest_votes = (rest * votes).sum(1, keepdim=True)
    rest_total = rest.sum(1, keepdim=True)
    of_top = rest_votes / torch.where(rest_total > 0, rest_total, 1.0)
    weights = (log_weights - top.nan_to_num(0.0, neginf=0.0)).exp()
    total = _others_of(weights)
    of_others = _others_of(weights * votes) / torch.where(total > 0, total, 1.0)
    first = torch.zeros_like(log_weights, dtype=torch.bool).scatter(1, place, value=True)
    return torch.where(first, of_top, of_others)


def _others_of(values: Tensor) -> Tensor:
    """Return [B, N, C]: the sum of all other tiles, from the sums before and after each."""
    before = values.cumsum(1).roll(1, 1)
    before[:, 0] = 0
    after = values.flip(1).cumsum(1).roll(1, 1)
    after[:, 0] = 0
    return before + after.flip(1)

"""Pooled terms: what a slide model adds up, for models whose logits are weighted means over tiles.

The mean, attention pooling and the additive model have the same form. With a weight w_k >= 0 and votes v_k
for each tile, the logits of any subset S of a bag are

    bias + sum over k in S of w_k v_k / sum over k in S of w_k,

because neither weights nor votes depend on the other tiles. So contributions are exact, and whatever is
removed, no network needs to be asked again. The logits of an empty bag are the bias.
"""

from typing import NamedTuple, Protocol, TypeGuard, runtime_checkable

import torch
from torch import Tensor


class PooledTerms(NamedTuple):
    """The terms of B bags of N tiles for K classes.

    ``log_weights`` float [B, N, 1], or [B, N, K] where each class has weights of its own; -inf on padding.
    ``votes`` float [B, N, K]; 0 on padding. ``bias`` float [K].
    """

    log_weights: Tensor
    votes: Tensor
    bias: Tensor

    @property
    def fractions(self) -> Tensor:
        """The weights divided by their sum, [B, N, 1 or K]: they sum to 1, and are 0 on padding."""
        # An empty bag has none to give: softmax of nothing but -inf would be NaN.
        return torch.nan_to_num(self.log_weights.softmax(1), nan=0.0)

    @property
    def contributions(self) -> Tensor:
        """[B, N, K]: what each tile adds to each logit. With the bias they sum to the logits."""
        return self.fractions * self.votes

    @property
    def logits(self) -> Tensor:
        """[B, K]."""
        return self.contributions.sum(1) + self.bias


@runtime_checkable
class Pooled(Protocol):
    """A network that can say its pooled terms."""

    def terms(self, features: Tensor, mask: Tensor) -> PooledTerms:
        """Return the terms of bags [B, N, D] with ``mask`` [B, N]."""
        ...


def pools(network: object) -> TypeGuard[Pooled]:
    """Return whether the terms of ``network`` can be asked for. A wrapper says it by ``is_pooled``."""
    return isinstance(network, Pooled) and bool(getattr(network, "is_pooled", True))

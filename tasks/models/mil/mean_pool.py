"""Mean pooling: the mean of the features and a linear head, the baseline that any slide model must beat."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from tasks.functional.pooled_terms import PooledTerms
from tasks.models.mil.base import BagModel, PooledNetwork, padded_log_weights


class MeanPool(BagModel):
    """Every tile has the same weight, and its vote is linear in its features."""

    source: ClassVar[str] = "the mean-pooling baseline of Ilse, Tomczak and Welling (2018), arXiv:1802.04712"

    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Fraction of the features that is dropped in training."""

    def network(self, dim: int, classes: int) -> "MeanPoolNetwork":
        """Return the network."""
        return MeanPoolNetwork(dim, classes, self.dropout)


class MeanPoolNetwork(PooledNetwork):
    """Logits [B, K] = head(mean of the features)."""

    def __init__(self, dim: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(dim, classes)

    def terms(self, features: Tensor, mask: Tensor) -> PooledTerms:
        """Return equal weights and linear votes."""
        votes = self.drop(features) @ self.head.weight.T
        votes = votes.masked_fill(~mask[:, :, None], 0.0)
        return PooledTerms(padded_log_weights(torch.zeros_like(votes[..., :1]), mask), votes, self.head.bias)

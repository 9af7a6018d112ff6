"""Attention pooling with gates: the standard slide model of the field."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from tasks.functional.pooled_terms import PooledTerms
from tasks.models.mil.base import BagModel, PooledNetwork, padded_log_weights


class Abmil(BagModel):
    """Tiles are embedded, a gated network gives each a weight, and a linear head reads the weighted mean.

    h = ReLU(W x), s = w^T (tanh(V h) * sigmoid(U h)), weights exp(s), votes C h.
    """

    source: ClassVar[str] = (
        "Ilse, Tomczak and Welling (2018), arXiv:1802.04712, gated attention; widths and dropout after "
        "common practice"
    )

    embed: int = Field(default=256, ge=1)
    """Width of the embedded tile."""
    attention: int = Field(default=128, ge=1)
    """Width of the attention network."""
    dropout: float = Field(default=0.25, ge=0, lt=1)
    """Fraction of the embedded tile that is dropped in training."""

    def network(self, dim: int, classes: int) -> "AbmilNetwork":
        """Return the network."""
        return AbmilNetwork(dim, classes, self)


class AbmilNetwork(PooledNetwork):
    """Logits [B, K] = head(attention-weighted mean of the embedded tiles)."""

    def __init__(self, dim: int, classes: int, recipe: Abmil) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(dim, recipe.embed), nn.ReLU(), nn.Dropout(recipe.dropout))
        self.value = nn.Linear(recipe.embed, recipe.attention)
        self.gate = nn.Linear(recipe.embed, recipe.attention)
        self.score = nn.Linear(recipe.attention, 1)
        self.head = nn.Linear(recipe.embed, classes)

    def terms(self, features: Tensor, mask: Tensor) -> PooledTerms:
        """Return attention as weights, and the head on each embedded tile as votes."""
        embedded = self.embed(features)
        scores = self.score(torch.tanh(self.value(embedded)) * torch.sigmoid(self.gate(embedded)))
        votes = (embedded @ self.head.weight.T).masked_fill(~mask[:, :, None], 0.0)
        return PooledTerms(padded_log_weights(scores, mask), votes, self.head.bias)

"""Gated attention: what the slide models share whose tiles are embedded, weighed and voted on."""

import torch
from pydantic import Field
from torch import Tensor, nn

from tasks.functional.pooled_terms import PooledTerms
from tasks.models.mil.base import BagModel, PooledNetwork, padded_log_weights


class GatedModel(BagModel):
    """The widths of a gated network."""

    embed: int = Field(default=256, ge=1)
    """Width of the embedded tile."""
    attention: int = Field(default=128, ge=1)
    """Width of the attention network."""
    dropout: float = Field(default=0.25, ge=0, lt=1)
    """Fraction of the embedded tile that is dropped in training."""


class GatedNetwork(PooledNetwork):
    """Logits [B, K]: weighted means of the votes of embedded tiles.

    ``weights`` is 1 where all classes share the weights of the tiles, or K where each has its own.
    """

    def __init__(self, dim: int, classes: int, weights: int, recipe: GatedModel) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(dim, recipe.embed), nn.ReLU(), nn.Dropout(recipe.dropout))
        self.value = nn.Linear(recipe.embed, recipe.attention)
        self.gate = nn.Linear(recipe.embed, recipe.attention)
        self.score = nn.Linear(recipe.attention, weights)
        self.head = nn.Linear(recipe.embed, classes)

    def terms(self, features: Tensor, mask: Tensor) -> PooledTerms:
        """Return the gated scores as log weights, and the head on each embedded tile as votes."""
        embedded = self.embed(features)
        scores = self.score(torch.tanh(self.value(embedded)) * torch.sigmoid(self.gate(embedded)))
        votes = (embedded @ self.head.weight.T).masked_fill(~mask[:, :, None], 0.0)
        return PooledTerms(padded_log_weights(scores, mask), votes, self.head.bias)

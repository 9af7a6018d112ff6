"""The additive slide model: a tile has a signed score per class, and the logits are their weighted mean."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from tasks.functional.pooled_terms import PooledTerms
from tasks.models.mil.base import BagModel, PooledNetwork, padded_log_weights


class Additive(BagModel):
    """Each class weighs the tiles in its own way, and what a tile adds to a logit may be negative.

    h = ReLU(W x), s_c = w_c^T (tanh(V h) * sigmoid(U h)), score_c = f_c(h) exp(s_c); logit_c is the sum of
    the scores over the tiles divided by the sum of exp(s_c), plus b_c.
    """

    source: ClassVar[str] = (
        "the attribute scores of AttriMIL (Cai et al. 2025, Medical Image Analysis) without its spatial and "
        "ranking losses; additive slide models: Javed et al. (2022), NeurIPS"
    )

    embed: int = Field(default=256, ge=1)
    """Width of the embedded tile."""
    attention: int = Field(default=128, ge=1)
    """Width of the attention network."""
    dropout: float = Field(default=0.25, ge=0, lt=1)
    """Fraction of the embedded tile that is dropped in training."""

    def network(self, dim: int, classes: int) -> "AdditiveNetwork":
        """Return the network."""
        return AdditiveNetwork(dim, classes, self)


class AdditiveNetwork(PooledNetwork):
    """Logits [B, K]: for each class a weighted mean of the votes of the tiles, with weights of its own."""

    def __init__(self, dim: int, classes: int, recipe: Additive) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(dim, recipe.embed), nn.ReLU(), nn.Dropout(recipe.dropout))
        self.value = nn.Linear(recipe.embed, recipe.attention)
        self.gate = nn.Linear(recipe.embed, recipe.attention)
        self.score = nn.Linear(recipe.attention, classes)
        self.head = nn.Linear(recipe.embed, classes)

    def terms(self, features: Tensor, mask: Tensor) -> PooledTerms:
        """Return the weights of each class [B, N, K], and the head on each embedded tile as votes."""
        embedded = self.embed(features)
        scores = self.score(torch.tanh(self.value(embedded)) * torch.sigmoid(self.gate(embedded)))
        votes = (embedded @ self.head.weight.T).masked_fill(~mask[:, :, None], 0.0)
        return PooledTerms(padded_log_weights(scores, mask), votes, self.head.bias)

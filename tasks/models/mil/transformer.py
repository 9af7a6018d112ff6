"""A plain transformer over the tiles of a slide, with a class token and no positions."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from tasks.models.errors import ModelError
from tasks.models.mil.base import BagModel, BagNetwork


class Transformer(BagModel):
    """Every tile attends to every other, and a linear head reads the class token.

    Attention is exact, so time grows with the square of the tiles; memory does not. The tiles have no
    positions: their order changes nothing.
    """

    source: ClassVar[str] = (
        "Vaswani et al. (2017), arXiv:1706.03762, with the norm before each part (Xiong et al. 2020, "
        "arXiv:2002.04745) and a class token (Dosovitskiy et al. 2021, arXiv:2010.11929)"
    )
    most_tiles: ClassVar[int | None] = 4096
    # Fused attention has no second derivative, and attention that has one needs memory of N x N.
    twice_differentiable: ClassVar[bool] = False

    width: int = Field(default=256, ge=1)
    """Width of a token."""
    layers: int = Field(default=2, ge=1)
    """Transformer layers."""
    heads: int = Field(default=8, ge=1)
    """Heads of each layer, which share out the width."""
    dropout: float = Field(default=0.25, ge=0, lt=1)
    """Fraction of what each part adds to a token that is dropped in training."""

    @model_validator(mode="after")
    def _heads_share_out(self) -> "Transformer":
        if self.width % self.heads:
            raise ValueError(f"width {self.width} must be a multiple of heads {self.heads}")
        return self

    def network(self, dim: int, classes: int) -> "TransformerNetwork":
        """Return the network."""
        return TransformerNetwork(dim, classes, self)


class TransformerNetwork(BagNetwork):
    """Logits [B, K] = head(norm(class token after all layers)). An empty bag has the class token alone."""

    def __init__(self, dim: int, classes: int, recipe: Transformer) -> None:
        super().__init__()
        self.embed = nn.Linear(dim, recipe.width)
        self.token = nn.Parameter(0.02 * torch.randn(recipe.width))
        self.layers = nn.ModuleList(_Layer(recipe) for _ in range(recipe.layers))
        self.norm = nn.LayerNorm(recipe.width)
        self.head = nn.Linear(recipe.width, classes)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Return logits [B, K]."""
        tokens, seen = self._tokens(features, mask)
        for layer in self.layers:
            tokens = layer(tokens, seen)
        logits: Tensor = self.head(self.norm(tokens[:, 0]))
        return logits

    def attentions(self, features: Tensor, mask: Tensor) -> list[Tensor]:
        """Return the attention of each layer, [B, heads, 1 + N, 1 + N]; row and column 0 are the class token.

        Rows sum to 1; columns of padding are 0, and rows of padding mean nothing.

        Raises:
            ModelError: the bags have more tiles than the matrices of :attr:`Transformer.most_tiles` need.
        """
        most = Transformer.most_tiles
        assert most is not None
        if features.shape[1] > most:
            raise ModelError(
                f"the attention matrices of bags of {features.shape[1]} tiles need too much memory; at most "
                f"{most} tiles are allowed"
            )
        tokens, seen = self._tokens(features, mask)
        found: list[Tensor] = []
        for layer in self.layers:
            assert isinstance(layer, _Layer)
            found.append(layer.attention(tokens, seen))
            tokens = layer(tokens, seen)
        return found

    def queries_and_keys(self, features: Tensor, mask: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return the queries and keys of each layer, [B, heads, 1 + N, W / heads]; 0 is the class token.

        From these any rows of :meth:`attentions` can be computed, so memory grows with the tiles and not with
        their square.
        """
        tokens, seen = self._tokens(features, mask)
        found: list[tuple[Tensor, Tensor]] = []
        for layer in self.layers:
            assert isinstance(layer, _Layer)
            query, key, _ = layer._parted(tokens)
            found.append((query, key))
            tokens = layer(tokens, seen)
        return found

    def _tokens(self, features: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return the tokens [B, 1 + N, W] and who may be attended to, bool [B, 1, 1, 1 + N]."""
        # Padding may hold anything, and 0 x infinity would be NaN.
        tiles = self.embed(features.masked_fill(~mask[:, :, None], 0.0))
        tokens = torch.cat([self.token.expand(len(tiles), 1, -1), tiles], dim=1)
        return tokens, F.pad(mask, (1, 0), value=True)[:, None, None, :]


class _Layer(nn.Module):
    """One layer: attention and a feed-forward network, each after a norm and each added to the tokens."""

    def __init__(self, recipe: Transformer) -> None:
        super().__init__()
        width = recipe.width
        self.heads = recipe.heads
        self.norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.drop = nn.Dropout(recipe.dropout)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.GELU(),
            nn.Linear(2 * width, width),
            nn.Dropout(recipe.dropout),
        )

    def forward(self, tokens: Tensor, seen: Tensor) -> Tensor:
        """Return the tokens [B, T, W] after this layer."""
        query, key, value = self._parted(tokens)
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        tokens = tokens + self.drop(self.out(mixed.transpose(1, 2).flatten(2)))
        added: Tensor = self.feed_forward(tokens)
        return tokens + added

    def attention(self, tokens: Tensor, seen: Tensor) -> Tensor:
        """Return how much each token attends to each other, [B, heads, T, T]."""
        query, key, _ = self._parted(tokens)
        scores: Tensor = query @ key.transpose(2, 3) / float(query.shape[3]) ** 0.5
        return scores.masked_fill(~seen, float("-inf")).softmax(3)

    def _parted(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values, each [B, heads, T, W / heads]."""
        together = self.query_key_value(self.norm(tokens)).unflatten(2, (3, self.heads, -1))
        query, key, value = together.permute(2, 0, 3, 1, 4)
        return query, key, value

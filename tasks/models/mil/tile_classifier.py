"""A tile classifier with an aggregator as a slide model: it learns from labels of tiles, not of slides."""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tasks.functional.pooled_terms import PooledTerms
from tasks.models.mil.base import BagModel, BagNetwork, PooledNetwork, padded_log_weights


class TileClassifier(BagModel):
    """Each tile is classified alone, and the logits of a slide are put together from those of its tiles.

    A bag of one tile gets the answer of its tile. With the mean the logits are pooled terms: each tile adds
    its share. With the top share they are not, because which tiles count depends on the others.
    """

    source: ClassVar[str] = (
        "tile-supervised classification with an aggregation, the design of Campanella et al. (2019), doi "
        "10.1038/s41591-019-0508-1, with labels of tiles; the top share of margins is after Durand et al. "
        "(2017), WILDCAT, CVPR"
    )
    labels: ClassVar[Literal["slide", "tile"]] = "tile"

    hidden: int = Field(default=0, ge=0)
    """Width of a hidden layer of the tile classifier; 0: it is linear."""
    dropout: float = Field(default=0.25, ge=0, lt=1)
    """Fraction of what enters the last layer that is dropped in training."""
    aggregation: Literal["mean", "top_share"] = "top_share"
    """``top_share``: for each class the mean of its centred logit over the tiles where that is highest; a
    logit is centred by the mean over the classes. ``mean``: the mean of the tiles' logits. It orders slides,
    but calls each after most of its tiles, so that a small tumour is called normal."""
    share: float = Field(default=0.1, gt=0, le=1)
    """The fraction of the tiles that ``top_share`` averages, rounded up to whole tiles."""

    def network(self, dim: int, classes: int) -> BagNetwork:
        """Return the network."""
        body = _Body(dim, self.hidden, self.dropout)
        head = nn.Linear(self.hidden or dim, classes)
        return MeanOfTiles(body, head) if self.aggregation == "mean" else TopOfTiles(body, head, self.share)


class _Body(nn.Sequential):
    """What is done to each tile before the last layer."""

    def __init__(self, dim: int, hidden: int, dropout: float) -> None:
        layers: list[nn.Module] = [nn.Linear(dim, hidden), nn.ReLU()] if hidden else []
        super().__init__(*layers, nn.Dropout(dropout))


class MeanOfTiles(PooledNetwork):
    """Logits [B, K]: the mean of the logits of the tiles."""

    def __init__(self, body: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.body = body
        self.head = head

    def terms(self, features: Tensor, mask: Tensor) -> PooledTerms:
        """Return equal weights, and the logits of each tile without their bias as votes."""
        votes = (self.body(features) @ self.head.weight.T).masked_fill(~mask[:, :, None], 0.0)
        return PooledTerms(padded_log_weights(torch.zeros_like(votes[..., :1]), mask), votes, self.head.bias)


class TopOfTiles(BagNetwork):
    """Logits [B, K]: for each class the mean of the highest centred logits of the tiles.

    An empty bag has the centred bias.
    """

    def __init__(self, body: nn.Module, head: nn.Linear, share: float) -> None:
        super().__init__()
        self.body = body
        self.head = head
        self.share = share

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Return logits [B, K]."""
        logits = self.head(self.body(features))
        centred = logits - logits.mean(2, keepdim=True)
        low = torch.finfo(centred.dtype).min
        ordered = centred.masked_fill(~mask[:, :, None], low).sort(1, descending=True).values
        counts = mask.sum(1)
        # Rounded first: 0.1 x 30 is a hair above 3.
        wanted = (self.share * counts.double()).round(decimals=9).ceil().long()
        taken = wanted.clamp(min=1).minimum(counts)[:, None]
        top = torch.arange(mask.shape[1], device=mask.device)[None] < taken
        mean = ordered.masked_fill(~top[:, :, None], 0.0).sum(1) / taken.clamp(min=1)
        empty = self.head.bias - self.head.bias.mean()
        return torch.where(counts[:, None] > 0, mean, empty)

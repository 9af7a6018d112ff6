"""The logits of a bag as a function of the pixels of one of its tiles."""

import torch
from torch import Tensor, nn

from tasks.functional.pooled_terms import PooledTerms, pools
from tasks.samples.inputs import Bags, ask


class TileInBag(nn.Module):
    """Maps images [n, 3, H, W] to the logits [n, K] of a bag in which one tile shows that image.

    All other tiles stay as their features are. Where the logits are a weighted mean over tiles, the others
    are two sums that are computed once, so an image costs no more in a large bag than in a small one.
    """

    def __init__(self, encoder: nn.Module, model: nn.Module, bag: Bags, position: int) -> None:
        """Take one bag [1, N, D] and the position of the tile in it."""
        super().__init__()
        self.encoder = encoder
        self.model = model
        self._bag = bag
        self._position = position
        self._others = self._mean_of_others() if pools(model) else None

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits."""
        features = self.encoder(images)
        if self._others is not None and pools(self.model):
            there = torch.ones(len(features), 1, dtype=torch.bool, device=features.device)
            return _joined(self.model.terms(features[:, None], there), *self._others)
        bags = self._bag.features.expand(len(features), -1, -1).clone()
        bags[:, self._position] = features
        return ask(self.model, Bags(bags, self._bag.mask.expand(len(features), -1)))

    def _mean_of_others(self) -> tuple[Tensor, Tensor]:
        """Return the log of the summed weights [1 or K] and the mean votes [K] of all other tiles."""
        others = self._bag.mask.clone()
        others[0, self._position] = False
        assert pools(self.model)
        with torch.no_grad():
            terms = self.model.terms(self._bag.features, others)
        return terms.log_weights[0].logsumexp(0), terms.contributions[0].sum(0)


def _joined(terms: PooledTerms, log_weight: Tensor, votes: Tensor) -> Tensor:
    """Return the logits [n, K] of bags of one tile [n, 1, ...] joined to others of known weight and votes."""
    # A tile alone in its bag has others of weight exp(-inf): its fraction is 1.
    own = torch.sigmoid(terms.log_weights[:, 0] - log_weight)
    return own * terms.votes[:, 0] + (1 - own) * votes + terms.bias

"""The slide model that is trained and explained: normalisation and network in one module."""

from torch import Tensor, nn

from tasks.functional.pooled_terms import PooledTerms
from tasks.models.errors import ModelError
from tasks.models.mil.base import BagNetwork, PooledNetwork


class BagClassifier(nn.Module):
    """Maps bags of raw features to logits [B, K].

    ``mean`` and ``std`` are buffers [D]: features are normalised inside, so noise and budgets outside are in
    units of the encoder. Each is multiplied by ``std`` where a method speaks of shares of the spread.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: BagNetwork, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Return logits [B, K] of features [B, N, D] with ``mask`` [B, N]."""
        logits: Tensor = self.network(self.normalised(features), mask)
        return logits

    def normalised(self, features: Tensor) -> Tensor:
        """Return what the network sees."""
        return (features - self.mean) / self.std

    @property
    def is_pooled(self) -> bool:
        """Whether the logits are a weighted mean over tiles, so that :meth:`terms` can be asked for."""
        return isinstance(self.network, PooledNetwork)

    def terms(self, features: Tensor, mask: Tensor) -> PooledTerms:
        """Return the pooled terms.

        Raises:
            ModelError: the logits are no weighted mean over tiles.
        """
        if not isinstance(self.network, PooledNetwork):
            raise ModelError(
                f"{type(self.network).__name__} mixes its tiles, so its logits are no weighted mean over them"
            )
        return self.network.terms(self.normalised(features), mask)

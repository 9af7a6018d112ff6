"""What every slide model is: a frozen recipe that builds a network of bags."""

from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import Tensor, nn

from tasks.functional.pooled_terms import PooledTerms
from tasks.plugins import Plugin, plugin_type


class BagNetwork(nn.Module):
    """Maps features float [B, N, D] with a mask bool [B, N] to logits [B, K].

    What stands on padding changes nothing, nor does the order of the tiles. An empty bag has logits too.
    """

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Return logits [B, K]."""
        raise NotImplementedError(f"{type(self).__name__} does not say what its logits are")


class PooledNetwork(BagNetwork):
    """A network whose logits are weighted means over tiles; see :mod:`tasks.functional.pooled_terms`."""

    def terms(self, features: Tensor, mask: Tensor) -> PooledTerms:
        """Return what is added up."""
        raise NotImplementedError(f"{type(self).__name__} does not say its terms")

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Return logits [B, K]."""
        return self.terms(features, mask).logits


class BagModel(Plugin):
    """The recipe of a slide model.

    Example:
        The mean of three tiles, of which the last is padding:

        >>> import torch
        >>> from tasks.models.mil.mean_pool import MeanPool
        >>> network = MeanPool(dropout=0).build(dim=2, classes=2, seed=0)
        >>> features = torch.tensor([[[1.0, 0.0], [3.0, 2.0], [9.0, 9.0]]])
        >>> mask = torch.tensor([[True, True, False]])
        >>> terms = network.terms(features, mask)
        >>> bool(torch.allclose(network(features, mask), network.head(torch.tensor([[2.0, 1.0]]))))
        True
    """

    package: ClassVar[str] = "tasks.models.mil"

    labels: ClassVar[Literal["slide", "tile"]] = "slide"
    """Whose labels train it: those of slides, or those of tiles (a tile classifier with an aggregator)."""

    most_tiles: ClassVar[int | None] = None
    """The largest ``tiles_per_bag`` that it may be trained with; None: any. It may be asked about more."""

    twice_differentiable: ClassVar[bool] = True
    """Whether a gradient by its features can itself be differentiated, as penalties on gradients need."""

    def build(self, dim: int, classes: int, seed: int) -> BagNetwork:
        """Return a new network on the CPU for features of ``dim`` numbers. Global generators are not used."""
        with torch.random.fork_rng(devices=[]):
            torch.random.manual_seed(seed)
            return self.network(dim, classes)

    def network(self, dim: int, classes: int) -> BagNetwork:
        """Return a new network with weights from the global generator, which :meth:`build` seeds."""
        raise NotImplementedError(f"{type(self).__name__} does not say what network it builds")


def padded_log_weights(scores: Tensor, mask: Tensor) -> Tensor:
    """Return ``scores`` [B, N, 1 or K] as log weights: -inf on padding."""
    return scores.masked_fill(~mask[:, :, None], float("-inf"))


if TYPE_CHECKING:
    AnyBagModel = BagModel
else:
    AnyBagModel = plugin_type(BagModel)
"""The type of a field that holds any slide model."""

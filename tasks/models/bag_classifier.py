"""The slide model that is trained and explained: normalisation and network in one module."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from tasks.artifacts.checkpoint import BagFacts, Checkpoint
from tasks.functional.pooled_terms import PooledTerms
from tasks.models.errors import ModelError
from tasks.models.fitting import fitting
from tasks.models.mil.base import BagModel, BagNetwork, PooledNetwork
from tasks.models.mil.transformer import TransformerNetwork
from tasks.models.weight_files import read_weights
from tasks.plugins import plugin_class


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
        # In place on the difference: bags are large, and a third copy of one would be kept for nothing.
        return (features - self.mean).div_(self.std)

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

    @property
    def attends(self) -> bool:
        """Whether a class token attends to the tiles, so that :meth:`queries_and_keys` can be asked for."""
        return isinstance(self.network, TransformerNetwork)

    def queries_and_keys(self, features: Tensor, mask: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return the queries and keys of each layer, see :class:`TransformerNetwork`.

        Raises:
            ModelError: the network has no class token.
        """
        if not isinstance(self.network, TransformerNetwork):
            raise ModelError(f"{type(self.network).__name__} has no class token that attends to tiles")
        return self.network.queries_and_keys(self.normalised(features), mask)


def build_bag_classifier(
    model: BagModel, classes: int, mean: Tensor, std: Tensor, seed: int
) -> BagClassifier:
    """Return a new slide model on the CPU in train mode. The global generators are not used.

    Args:
        model: the recipe of its network.
        classes: the number of logits.
        mean: float [D], subtracted from every feature.
        std: float [D], above 0; what is left is divided by it.
        seed: decides the weights.
    """
    return BagClassifier(model.build(len(mean), classes, seed), mean, std)


def load_bag_classifier(checkpoint: Checkpoint, device: torch.device) -> BagClassifier:
    """Return the trained slide model of ``checkpoint`` on ``device``, in eval mode.

    Raises:
        ModelError: it is no slide model, or the weights do not fit.
    """
    info = checkpoint.info
    if info.bag is None:
        raise ModelError(
            f"the checkpoint {checkpoint.folder.name!r} is of a tile classifier, not of a slide model"
        )
    # Anything of the right length: the file holds the true mean and std.
    blank = torch.ones(info.bag.dim)
    classifier = build_bag_classifier(bag_model(info.bag), len(info.classes), blank, blank.clone(), info.seed)
    title = f"the checkpoint's {checkpoint.weights.name}"
    found = fitting(read_weights(checkpoint.weights, title), classifier.state_dict(), title)
    classifier.load_state_dict(found)
    return classifier.to(device).eval()


def bag_model(facts: BagFacts) -> BagModel:
    """Return the recipe of a slide model as it was trained."""
    said: Mapping[str, Any] = facts.model
    model = plugin_class(BagModel.package, said["name"]).model_validate(dict(said))
    assert isinstance(model, BagModel)
    return model

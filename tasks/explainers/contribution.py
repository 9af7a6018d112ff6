"""What each tile adds to the margin, where the logits are a weighted mean over tiles."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from tasks.explainers._bags import margins_of_tiles
from tasks.explainers._pooled import mixes, terms_of
from tasks.explainers.base import Explainer, ExplanationError, Kind
from tasks.functional.passes import Passes
from tasks.functional.pooled_terms import pools
from tasks.samples.axes import Input, Support
from tasks.samples.inputs import Bags


class Contribution(Explainer):
    """a_k (v_k,target - mean of v_k,others): the weight of the tile times the margin of its vote.

    Exact for the mean, attention pooling and additive models: contributions sum to the margin of the bag
    minus that of the empty bag, which is the bias. For attention pooling it equals layer-wise relevance
    propagation with attention held constant and biases left out, whatever the depth of the embedding.
    """

    source: ClassVar[str] = (
        "Javed et al. (2022), arXiv:2206.01794 (additive MIL); equal to LRP as in Hense et al. (2024), "
        "arXiv:2406.04280 (xMIL), without its backward pass"
    )
    accepts: ClassVar[frozenset[Input]] = frozenset({"features"})
    support: ClassVar[Support] = "tile"
    kind: ClassVar[Kind] = "contribution"
    complete: ClassVar[bool] = True

    def refuse(self, network: nn.Module) -> None:
        """Refuse a network that mixes its tiles.

        Raises:
            ExplanationError: it does.
        """
        if not pools(network):
            raise ExplanationError(
                f"{self.name} needs a slide model that adds up its tiles, and {mixes(network)}; "
                "integrated_gradients, keep_one and drop_one explain any slide model"
            )

    def attribute(self, model: nn.Module, bags: Bags, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the contributions [B, N]."""
        return margins_of_tiles(terms_of(model, bags).contributions, targets)

    def passes(self) -> Passes:
        """One forward."""
        return Passes(forward=1)

    def reference(self, model: nn.Module, bags: Bags) -> Bags:
        """Return empty bags."""
        return bags._replace(mask=torch.zeros_like(bags.mask))

"""Some images explained by one explainer: their maps, and how far each map is from complete."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tasks.explainers.base import Explainer
from tasks.functional.gradients import target_margin
from tasks.functional.pixels import forward_in_batches, spans


@dataclass(frozen=True)
class BatchExplainer:
    """An explainer with the network that it prepared; ``batch`` images go through the network at once.

    The network must be frozen and in eval mode, and gradients must be off.
    """

    explainer: Explainer
    network: nn.Module
    batch: int

    def maps(self, images: Tensor, targets: Tensor, keys: Tensor) -> Tensor:
        """Return what the explainer gives for images [N, C, H, W]: maps [N, H, W], not checked.

        Args:
            images: float [N, C, H, W] in [0, 1].
            targets: int64 [N], the explained classes.
            keys: int64 [N], the tile keys.
        """
        pieces = [
            self.explainer.attribute(self.network, images[part], targets[part], keys[part])
            for part in spans(len(images), self.batch)
        ]
        return torch.cat(pieces).detach()

    def completeness_errors(
        self, images: Tensor, targets: Tensor, maps: Tensor, logits: Tensor | None = None
    ) -> Tensor:
        """Return float64 [N]: the sum of each map minus the margin that it should sum to.

        The margin is that of the image minus that of the explainer's reference; NaN where it names none.
        ``logits`` [N, K] are those of the network on ``images``; without them they are computed.
        """
        reference = self.explainer.reference(self.network, images)
        if reference is None:
            return torch.full((len(images),), torch.nan, dtype=torch.float64, device=images.device)
        absent = forward_in_batches(self.network, reference, self.batch)
        if logits is None:
            logits = forward_in_batches(self.network, images, self.batch)
        promised = target_margin(logits, targets) - target_margin(absent, targets)
        return maps.double().sum((1, 2)) - promised.double()

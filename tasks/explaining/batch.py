"""Some samples explained by one explainer: their values, and how far each is from complete."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tasks.explainers.base import Explainer, ExplanationError
from tasks.functional.gradients import target_margin
from tasks.functional.pixels import spans
from tasks.samples.inputs import Inputs, ask, each, leading


@dataclass(frozen=True)
class BatchExplainer:
    """An explainer with the network that it prepared; ``batch`` samples go through the network at once.

    The network must be frozen and in eval mode, and gradients must be off.
    """

    explainer: Explainer
    network: nn.Module
    batch: int

    def maps(self, images: Inputs, targets: Tensor, keys: Tensor) -> Tensor:
        """Return what the explainer gives, not checked: maps [N, H, W] of images, or scores [N, E] of bags.

        Args:
            images: float [N, C, H, W] in [0, 1], or N bags.
            targets: int64 [N], the explained classes.
            keys: int64 [N], the keys of the samples.

        Raises:
            ExplanationError: the explainer or the network raised an error, of any type.
        """
        pieces = [
            self.explainer.explained(self.network, _some(images, part), targets[part], keys[part])
            for part in spans(len(keys), self.batch)
        ]
        return torch.cat(pieces).detach()

    def completeness_errors(
        self, images: Inputs, targets: Tensor, maps: Tensor, logits: Tensor | None = None
    ) -> Tensor:
        """Return float64 [N]: the sum of each map minus the margin that it should sum to.

        The margin is that of the image minus the mean of those of the explainer's references; NaN where it
        names none.
        ``logits`` [N, K] are those of the network on ``images``; without them they are computed.
        """
        absent = [
            self._absent(reference, targets) for reference in self.explainer.references(self.network, images)
        ]
        if not absent:
            return torch.full((len(maps),), torch.nan, dtype=torch.float64, device=maps.device)
        if logits is None:
            logits = self._logits(images)
        promised = target_margin(logits, targets).double() - torch.stack(absent).mean(0)
        return maps.double().flatten(1).sum(1) - promised

    def _absent(self, reference: Inputs, targets: Tensor) -> Tensor:
        """Return float64 [N]: the margin of one reference."""
        logits = self._logits(reference)
        if not torch.isfinite(logits).all():
            named = getattr(self.explainer, "baseline", "reference")
            raise ExplanationError(
                f"{type(self.network).__name__} gives logits that are not finite on the baseline {named!r}: "
                f"nothing can be compared with it; choose another baseline for {self.explainer.name}"
            )
        return target_margin(logits, targets).double()

    def _logits(self, inputs: Inputs) -> Tensor:
        (count,) = leading(inputs)
        with torch.no_grad():
            return torch.cat([ask(self.network, _some(inputs, part)) for part in spans(count, self.batch)])


def _some(inputs: Inputs, part: slice) -> Inputs:
    return each(lambda tensor: tensor[part], inputs)

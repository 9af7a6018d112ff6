"""The weights of attention: where the model looks, whatever it then decides."""

from typing import ClassVar, Self

import torch
from pydantic import PrivateAttr
from torch import Tensor, nn

from tasks.explainers._attending import attending, tiles_of_cls
from tasks.explainers._pooled import terms_of
from tasks.explainers.base import Explainer, ExplanationError, Kind
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.passes import Passes
from tasks.functional.pooled_terms import pools
from tasks.samples.axes import Input, Support
from tasks.samples.inputs import Bags

CLASS_FREE = (
    "Attention says where the model looks, not what for: it has no sign and is the same whatever class is "
    "explained, so a tile with a high value may speak for or against the class."
)
PER_CLASS = (
    "This model has weights for each class. Shown are those of the target: still without a sign, since a "
    "tile with a high weight may vote for or against it."
)


class Attention(Explainer):
    """The fraction of each tile in the weighted mean; of a transformer, in what the class token attends to.

    The values of a bag sum to 1, so they fall as the bag grows. Of a transformer they are the mean over the
    heads of the last layer, divided by their sum over the tiles.
    """

    source: ClassVar[str] = "Ilse, Tomczak and Welling (2018), arXiv:1802.04712"
    accepts: ClassVar[frozenset[Input]] = frozenset({"features"})
    support: ClassVar[Support] = "tile"
    kind: ClassVar[Kind] = "sensitivity"
    signed: ClassVar[bool] = False
    class_free: ClassVar[bool] = True

    _per_class: bool = PrivateAttr(default=False)

    def refuse(self, network: nn.Module) -> None:
        """Refuse a network that has neither weights of tiles nor attention.

        Raises:
            ExplanationError: it has none.
        """
        if not (pools(network) or attending(network)):
            raise ExplanationError(
                f"{self.name} needs weights of tiles, and {type(network).__name__} has none: it neither "
                "takes a weighted mean nor attends from a class token"
            )

    def settle(self, model: nn.Module, images: Bags) -> Self:
        """Return a copy that says whether the weights are those of a class."""
        copy = self.model_copy()
        with leave_as_found(model), torch.no_grad():
            copy._per_class = pools(model) and terms_of(model, images).log_weights.shape[2] > 1
        return copy

    def notes(self) -> tuple[str, ...]:
        """Say that attention is no evidence for a class."""
        return (PER_CLASS if self._per_class else CLASS_FREE,)

    def attribute(self, model: nn.Module, bags: Bags, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the fractions [B, N]."""
        if not pools(model):
            return tiles_of_cls(model, bags)
        fractions = terms_of(model, bags).fractions
        if fractions.shape[2] == 1:
            return fractions[:, :, 0]
        return fractions.gather(2, targets[:, None, None].expand(-1, fractions.shape[1], 1))[:, :, 0]

    def passes(self) -> Passes:
        """One forward."""
        return Passes(forward=1)

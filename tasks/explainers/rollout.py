"""Attention of a transformer, followed through its layers."""

from typing import ClassVar

from torch import Tensor, nn

from tasks.explainers._attending import attending, rolled_out
from tasks.explainers.attention import CLASS_FREE
from tasks.explainers.base import Explainer, ExplanationError, Kind
from tasks.functional.passes import Passes
from tasks.samples.axes import Input, Support
from tasks.samples.inputs import Bags


class Rollout(Explainer):
    """The row of the class token in the product over layers of (mean over heads + identity) / 2.

    Every row of every factor sums to 1, so the values of a bag and the part that stays in the class token
    sum to 1. The identity stands for the residual path. What values and feed-forward layers do is left out.
    """

    source: ClassVar[str] = (
        "Abnar and Zuidema (2020), arXiv:2005.00928; rows are normalised by their own sums, which a much "
        "copied implementation does by the wrong axis"
    )
    accepts: ClassVar[frozenset[Input]] = frozenset({"features"})
    support: ClassVar[Support] = "tile"
    kind: ClassVar[Kind] = "sensitivity"
    signed: ClassVar[bool] = False
    class_free: ClassVar[bool] = True

    def refuse(self, network: nn.Module) -> None:
        """Refuse a network without attention between tokens.

        Raises:
            ExplanationError: it has none.
        """
        if not attending(network):
            raise ExplanationError(
                f"{self.name} follows the attention of a transformer, and {type(network).__name__} has no "
                "class token that attends to tiles"
            )

    def notes(self) -> tuple[str, ...]:
        """Say that attention is no evidence for a class."""
        return (CLASS_FREE,)

    def attribute(self, model: nn.Module, bags: Bags, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the row [B, N]."""
        return rolled_out(model, bags)

    def passes(self) -> Passes:
        """One forward."""
        return Passes(forward=1)

"""What a class token attends to, for transformers that say their queries and keys."""

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from tasks.explainers.base import ExplanationError
from tasks.functional.pixels import spans
from tasks.samples.inputs import Bags

_AT_ONCE = 1 << 24
"""Attention weights that are in memory at once."""

QueriesAndKeys = tuple[Tensor, Tensor]
"""Of one layer: queries and keys [B, heads, 1 + N, W]; the first token is the class token."""


@runtime_checkable
class Attending(Protocol):
    """A network with a class token whose attention can be computed from its queries and keys."""

    def queries_and_keys(self, features: Tensor, mask: Tensor) -> list[QueriesAndKeys]:
        """Return those of each layer, the first one first."""
        ...


def attending(model: nn.Module) -> bool:
    """Return whether ``model`` says its queries and keys."""
    return bool(getattr(model, "attends", isinstance(model, Attending)))


def layers_of(model: nn.Module, bags: Bags) -> list[QueriesAndKeys]:
    """Return the queries and keys of each layer; it costs one forward pass.

    Raises:
        ExplanationError: the network says none.
    """
    if not (attending(model) and isinstance(model, Attending)):
        raise ExplanationError(f"{type(model).__name__} has no class token that attends to tiles")
    return model.queries_and_keys(bags.features, bags.mask)


def attended(layer: QueriesAndKeys, mask: Tensor, rows: slice) -> Tensor:
    """Return [B, n, 1 + N]: what the tokens ``rows`` attend to, the mean over the heads. Rows sum to 1."""
    query, key = layer
    scores = query[:, :, rows] @ key.transpose(2, 3) / query.shape[3] ** 0.5
    seen = torch.nn.functional.pad(mask, (1, 0), value=True)[:, None, None]
    weights: Tensor = scores.masked_fill(~seen, float("-inf")).softmax(3).mean(1)
    return weights


def tiles_of_cls(model: nn.Module, bags: Bags) -> Tensor:
    """Return [B, N]: the attention of the class token in the last layer, over its sum over the tiles."""
    weights = attended(layers_of(model, bags)[-1], bags.mask, slice(0, 1))[:, 0, 1:]
    return weights / weights.sum(1, keepdim=True).clamp(min=torch.finfo(weights.dtype).tiny)


def rolled_out(model: nn.Module, bags: Bags) -> Tensor:
    """Return [B, N]: the row of the class token in the product over layers of (attention + identity) / 2.

    The row is carried from the last layer to the first. So no product of matrices is needed, and of each
    matrix some rows at a time are in memory.
    """
    *lower, last = layers_of(model, bags)
    row = attended(last, bags.mask, slice(0, 1))[:, 0]
    row[:, 0] += 1
    row = row / 2
    batch, tokens = row.shape
    together = max(1, _AT_ONCE // (batch * last[0].shape[1] * tokens))
    for layer in reversed(lower):
        carried = row.clone()
        for part in spans(tokens, together):
            carried += (row[:, None, part] @ attended(layer, bags.mask, part))[:, 0]
        row = carried / 2
    return row[:, 1:]

"""Networks that say their pooled terms, and those that do not."""

from torch import nn

from tasks.explainers.base import ExplanationError
from tasks.functional.pooled_terms import Pooled, PooledTerms
from tasks.samples.inputs import Bags


def is_pooled(model: nn.Module) -> bool:
    """Return whether the logits of ``model`` are a weighted mean over tiles, and it says its terms."""
    return bool(getattr(model, "is_pooled", isinstance(model, Pooled)))


def terms_of(model: nn.Module, bags: Bags) -> PooledTerms:
    """Return the pooled terms of ``bags``; it costs one forward pass.

    Raises:
        ExplanationError: the network says none.
    """
    if not (is_pooled(model) and isinstance(model, Pooled)):
        raise ExplanationError(mixes(model))
    return model.terms(bags.features, bags.mask)


def mixes(model: nn.Module) -> str:
    """Return the half sentence on a network whose logits are no weighted mean."""
    return f"the logits of {type(model).__name__} are no weighted mean over tiles"

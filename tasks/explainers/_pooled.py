"""Networks that say their pooled terms, and those that do not."""

from tasks.explainers.base import ExplanationError
from tasks.functional.pooled_terms import PooledTerms, pools
from tasks.samples.inputs import Bags


def terms_of(model: object, bags: Bags) -> PooledTerms:
    """Return the pooled terms of ``bags``; it costs one forward pass.

    Raises:
        ExplanationError: the network says none.
    """
    if not pools(model):
        raise ExplanationError(mixes(model))
    return model.terms(bags.features, bags.mask)


def mixes(model: object) -> str:
    """Return the half sentence on a network whose logits are no weighted mean."""
    return f"the logits of {type(model).__name__} are no weighted mean over tiles"

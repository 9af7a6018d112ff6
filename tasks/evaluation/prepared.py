"""Explainers that a plan may call, each prepared once for a network."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from tasks.evidence.explainer_like import ExplainerLike
from tasks.evidence.sources import EvidenceError
from tasks.functional.foreign_errors import SaidAs
from tasks.samples.inputs import Inputs


@dataclass(frozen=True)
class PreparedExplainer:
    """An explainer with the network that it prepared."""

    explainer: ExplainerLike
    network: nn.Module

    def __call__(self, inputs: Inputs, targets: Tensor, keys: Tensor) -> Tensor:
        """Return maps [B, H, W] of images, or scores [B, N] of bags."""
        with SaidAs(EvidenceError, f"an explainer cannot explain {type(self.network).__name__}"):
            return self.explainer.attribute(self.network, inputs, targets, keys)


def prepared_explainers(
    model: nn.Module, explainers: Mapping[str, ExplainerLike], names: Iterable[str]
) -> dict[str, PreparedExplainer]:
    """Return the named explainers, each prepared once; ``model`` must be frozen and in eval mode."""
    return {
        name: PreparedExplainer(explainers[name], explainers[name].prepare(model))
        for name in dict.fromkeys(names)
    }


def networks(model: nn.Module, explainers: Mapping[str, PreparedExplainer]) -> list[nn.Module]:
    """Return ``model`` and the networks that explainers prepared, each once."""
    every = (model, *(ready.network for ready in explainers.values()))
    return list({id(network): network for network in every}.values())

"""Explainers as metrics call them: handed to the plan, made ready once, their passes known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from tasks.functional.passes import Passes


class Explaining(Protocol):
    """What a metric asks of an explainer; those of :mod:`tasks.explainers` are such."""

    def prepare(self, model: nn.Module) -> nn.Module:
        """Return the network that :meth:`attribute` works on, made once for many batches."""
        ...

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return maps [B, H, W] of images [B, C, H, W]; the network is prepared, frozen, in eval mode."""
        ...

    def passes(self) -> Passes:
        """Return the passes one image costs."""
        ...


@dataclass(frozen=True)
class Ready:
    """An explainer with the network that it made ready."""

    explainer: Explaining
    network: nn.Module

    def __call__(self, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return maps [B, H, W]."""
        return self.explainer.attribute(self.network, images, targets, tile_keys)


def made_ready(
    model: nn.Module, explainers: Mapping[str, Explaining], names: Iterable[str]
) -> dict[str, Ready]:
    """Return the named explainers, each prepared once; ``model`` must be frozen and in eval mode."""
    return {name: Ready(explainers[name], explainers[name].prepare(model)) for name in dict.fromkeys(names)}


def networks(model: nn.Module, explainers: Mapping[str, Ready]) -> list[nn.Module]:
    """Return ``model`` and what explainers work on where that is another network, each once."""
    every = (model, *(ready.network for ready in explainers.values()))
    return list({id(network): network for network in every}.values())

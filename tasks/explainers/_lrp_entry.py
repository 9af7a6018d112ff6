"""LRP's rules for the first layer, whose inputs are pixels rather than activations."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tasks.explainers._lrp_unit import Unit
from tasks.explainers.base import ExplanationError

FirstLayer = Literal["z_box", "w_squared", "flat", "epsilon"]
"""How the first layer shares relevance out among the pixels."""

_TINY = 1e-9
"""Where the shares of all pixels add up to less, none of them is in charge, and relevance ends."""


class Entry:
    """The first layer, made to compute the sum of the shares of its inputs.

    Relevance is what enters times its gradient, so the layer's input is cut off from the images: what comes
    before it, such as a normalisation, must act on each value by itself.
    """

    def __init__(self, unit: Unit, rule: FirstLayer, images: Tensor) -> None:
        self.unit = unit
        self.shared = rule != "epsilon"
        """Whether the layer computes shares rather than its own output."""
        self._rule = rule
        self._images = images
        self._weight, self._shift = unit.merged()
        self.leaves: list[Tensor] = []
        """What entered, one tensor or two: relevance is each times its gradient."""

    def state(self) -> dict[str, Tensor]:
        """Return the parameters and buffers, by name, with which the first unit computes its rule."""
        if not self.shared:
            return {}
        weight = self._weight
        rules = {"w_squared": weight.square(), "flat": torch.ones_like(weight), "z_box": weight.clamp_min(0)}
        return self.unit.replaced(rules[self._rule], torch.zeros_like(self._shift))

    def enter(self, _layer: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
        """Be the layer's forward pre-hook: give it what its rule shares out."""
        (given,) = inputs
        if given.numel() != self._images.numel():
            raise ExplanationError(
                f"the first layer {self.unit.name!r} reads {list(given.shape)} of images "
                f"{list(self._images.shape)}; lrp needs a value for each of theirs"
            )
        return (self._keep(self._above_floor(given) if self._rule == "z_box" else self._read(given)),)

    def leave(self, layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        """Be the layer's forward hook: add the part of the negative weights."""
        if self._rule != "z_box":
            return output
        below = self._keep(self._below)
        weight = self._weight.clamp_max(0)
        if isinstance(layer, nn.Conv2d):
            # Not F.conv2d: the layer knows its padding mode.
            negative: Tensor = layer._conv_forward(below, weight, None)
        else:
            negative = F.linear(below, weight)
        return output + negative

    def factor(self, shares: Tensor, output: Tensor) -> Tensor:
        """Return by how much the gradient of the unit's output is multiplied."""
        return output / (shares + _TINY)

    def _keep(self, values: Tensor) -> Tensor:
        self.leaves.append(values.detach().requires_grad_())
        return self.leaves[-1]

    def _read(self, given: Tensor) -> Tensor:
        return torch.ones_like(given) if self.shared else given

    def _above_floor(self, given: Tensor) -> Tensor:
        """Return the input less the lowest value a pixel can give it; remember it less the highest one.

        Pixels lie in [0, 1]; noisy ones beyond stretch their own box, so that no share becomes negative.
        """
        (slope,) = torch.autograd.grad(given.sum(), self._images, retain_graph=True)
        black, white = self._images.clamp_max(0), self._images.clamp_min(1)
        ends = [(slope * (self._images - end)).view_as(given).detach() for end in (black, white)]
        self._below = torch.minimum(*ends)
        return torch.maximum(*ends)

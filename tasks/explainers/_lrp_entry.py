"""LRP's rules for the first layer, whose inputs are pixels rather than activations."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch
from torch import Tensor, nn

from tasks.explainers._lrp_unit import Unit
from tasks.explainers.base import ExplanationError

FirstLayer = Literal["z_box", "w_squared", "flat", "epsilon"]
"""How the first layer distributes relevance over the pixels."""

_TINY = 1e-9
"""Where the shares of all pixels sum to less than this, the relevance is dropped."""


class Entry:
    """The first layer, made to compute the sum of the shares of its inputs.

    Relevance is what enters times its gradient, so the layer's input is cut off from the images: what comes
    before it, such as a normalisation, must act on each value by itself.
    """

    def __init__(self, unit: Unit, rule: FirstLayer, images: Tensor) -> None:
        self.unit = unit
        self.shared = rule != "epsilon"
        """Whether the layer computes shares rather than its own output."""
        self.entered = images
        """What the layer is given."""
        self._rule = rule
        self._images = images
        self._groups = unit.layer.groups if isinstance(unit.layer, nn.Conv2d) else 1

    def computing(self) -> AbstractContextManager[None]:
        """Make the first unit compute its rule inside the block."""
        if not self.shared:
            return nullcontext()
        weight, shift = self.unit.merged()
        if self._rule == "z_box":
            weight = torch.cat([weight.clamp_min(0), weight.clamp_max(0)], 1)
        else:
            weight = weight.square() if self._rule == "w_squared" else torch.ones_like(weight)
        return self.unit.computing(weight, torch.zeros_like(shift))

    def enter(self, _layer: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
        """Be the layer's forward pre-hook: give it what its rule shares out."""
        (given,) = inputs
        if given.shape[0] != len(self._images) or given.numel() != self._images.numel():
            raise ExplanationError(
                f"the first layer {self.unit.name!r} reads {list(given.shape)} of images "
                f"{list(self._images.shape)}; lrp needs a value for each of theirs"
            )
        self.entered = self._read(given).requires_grad_()
        return (self.entered,)

    def factor(self, shares: Tensor, output: Tensor) -> Tensor:
        """Return by how much the gradient of the unit's output is multiplied, in the memory of ``shares``."""
        return torch.div(output, shares.add_(_TINY), out=shares)

    def relevance(self, gradient: Tensor) -> Tensor:
        """Return the relevance [B, C, H, W] of the images, from the gradient of what entered."""
        product = gradient.mul_(self.entered.detach())
        if self._rule == "z_box":
            above, below = torch.unflatten(product, 1, (self._groups, 2, -1)).unbind(2)
            product = above.add_(below)
        return product.reshape(self._images.shape)

    def _read(self, given: Tensor) -> Tensor:
        if self._rule == "z_box":
            return self._above_ends(given)
        return torch.ones_like(given) if self.shared else given.detach()

    def _above_ends(self, given: Tensor) -> Tensor:
        """Return the input minus the lowest value that a pixel can have, and minus the highest one.

        Pixels lie in [0, 1]. Noisy ones beyond widen their own box, so that no share becomes negative. In a
        grouped convolution each group has the two side by side.
        """
        (slope,) = torch.autograd.grad(given.sum(), self._images, retain_graph=True)
        pixels = self._images.detach()
        ends = [slope * pixels.clamp_min(0), (pixels - 1).clamp_max_(0).mul_(slope)]
        grouped = [torch.unflatten(end.view_as(given), 1, (self._groups, -1)) for end in ends]
        both = self._empty((len(given), 2 * given.shape[1], *given.shape[2:]), given)
        halves = torch.unflatten(both, 1, (self._groups, 2, -1))
        torch.maximum(*grouped, out=halves[:, :, 0])
        torch.minimum(*grouped, out=halves[:, :, 1])
        return both

    def _empty(self, shape: Sequence[int], like: Tensor) -> Tensor:
        """Return memory in the layout of the layer's weights, which avoids a conversion."""
        weight = self.unit.layer.weight
        last = weight.dim() == 4 and weight.is_contiguous(memory_format=torch.channels_last)
        laid = torch.channels_last if last else torch.contiguous_format
        return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=laid)

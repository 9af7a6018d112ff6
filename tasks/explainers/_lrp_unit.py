"""A convolution or dense layer with the BatchNorm behind it, as one linear layer for LRP."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, linear


@dataclass
class Unit:
    """One linear layer of the network."""

    name: str
    layer: nn.Conv2d | nn.Linear
    norm_name: str = ""
    norm: nn.BatchNorm1d | nn.BatchNorm2d | None = None

    @property
    def last(self) -> nn.Module:
        """The module whose output is the unit's."""
        return self.layer if self.norm is None else self.norm

    def merged(self) -> tuple[Tensor, Tensor]:
        """Return the weight, shaped as the layer's, and the shift [out] of both modules together."""
        weight = self.layer.weight
        bias = torch.zeros_like(weight[:, 0].flatten(1)[:, 0]) if self.layer.bias is None else self.layer.bias
        if self.norm is None:
            return weight, bias
        stored: dict[str, Tensor] = {**dict(self.norm.named_parameters()), **dict(self.norm.named_buffers())}
        scale = stored["weight"] / (stored["running_var"] + self.norm.eps).sqrt()
        shape = (-1, *(1 for _ in weight.shape[1:]))
        return weight * scale.view(shape), stored["bias"] + (bias - stored["running_mean"]) * scale

    @contextmanager
    def computing(self, weight: Tensor, shift: Tensor) -> Iterator[None]:
        """Make the layer compute ``weight * input + shift`` inside the block, and the norm pass it on."""
        if isinstance(self.layer, nn.Conv2d):
            layer = partial(self.layer._conv_forward, weight=weight, bias=shift)
        else:
            layer = partial(linear, weight=weight, bias=shift)
        with ExitStack() as stack:
            stack.enter_context(_forward(self.layer, layer))
            if self.norm is not None:
                stack.enter_context(_forward(self.norm, _passed_on))
            yield


@contextmanager
def _forward(module: nn.Module, forward: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Replace the module's ``forward``. Its hooks see the new output."""
    own = module.__dict__.get("forward")
    module.__dict__["forward"] = forward
    try:
        yield
    finally:
        del module.__dict__["forward"]
        if own is not None:
            module.__dict__["forward"] = own


def _passed_on(values: Tensor) -> Tensor:
    return values


def boosted(values: Tensor, gamma: float) -> Tensor:
    """Return positive values unchanged and negative ones divided by 1 + gamma.

    That is the gamma rule's ``values + gamma * positive part`` over 1 + gamma, a common factor that does not
    change relevance. Written so, an identity keeps its weight 1, and a residual branch needs no rule.
    """
    return leaky_relu(values, 1 / (1 + gamma))

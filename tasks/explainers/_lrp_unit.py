"""A convolution or dense layer and the BatchNorm behind it, which LRP takes for one linear layer."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu


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

    def replaced(self, weight: Tensor, shift: Tensor) -> dict[str, Tensor]:
        """Return the parameters and buffers, by name, that make the unit compute weight * input + shift."""
        state = {f"{self.name}.weight": weight}
        if self.norm is None:
            return state if self.layer.bias is None else {**state, f"{self.name}.bias": shift}
        if self.layer.bias is not None:
            state[f"{self.name}.bias"] = torch.zeros_like(shift)
        return {
            **state,
            f"{self.norm_name}.weight": torch.ones_like(shift),
            f"{self.norm_name}.bias": shift,
            f"{self.norm_name}.running_mean": torch.zeros_like(shift),
            f"{self.norm_name}.running_var": torch.full_like(shift, 1 - self.norm.eps),
        }


def boosted(values: Tensor, gamma: float) -> Tensor:
    """Return positive values as they are and negative ones over 1 + gamma.

    That is the gamma rule's ``values + gamma * positive part`` over 1 + gamma, a common factor that relevance
    does not see; so written, an identity keeps its weight 1, and a residual branch needs no rule.
    """
    return leaky_relu(values, 1 / (1 + gamma))

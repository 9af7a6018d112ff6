"""MONAI's residual networks on our blocks, with weights drawn from an explicit generator."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
from monai.networks.nets import ResNet
from torch import nn

from tasks.functional.noise import seed_of
from tasks.models.blocks import SafeBlock, SafeBottleneck
from tasks.models.recipe import NetworkRecipe

DEPTHS: Mapping[str, tuple[str, tuple[int, int, int, int]]] = MappingProxyType(
    {
        "resnet18": ("basic", (2, 2, 2, 2)),
        "resnet34": ("basic", (3, 4, 6, 3)),
        "resnet50": ("bottleneck", (3, 4, 6, 3)),
    }
)
"""Network name: the kind of block and how many in each of the four stages."""

PLANES = (64, 128, 256, 512)
"""Channels of the four stages at width 1."""

_SAFE = {"basic": SafeBlock, "bottleneck": SafeBottleneck}


class SafeResNet(ResNet):  # type: ignore[misc]  # MONAI is untyped
    """MONAI's ResNet with blocks and stem free of in-place operations.

    It maps normalised images [B, 3, H, W] to logits [B, K]. Its layers have MONAI's names: ``conv1 bn1 act
    maxpool layer1 .. layer4 avgpool fc``.
    """

    def __init__(self, recipe: NetworkRecipe, classes: int) -> None:
        block = _SAFE[DEPTHS[recipe.name][0]]
        super().__init__(block=block, act=("relu", {"inplace": False}), **_widths(recipe, classes))


def monai_resnet(recipe: NetworkRecipe, classes: int) -> ResNet:
    """Return MONAI's own ResNet of the same widths, untouched; it draws from the global generator."""
    return ResNet(block=DEPTHS[recipe.name][0], **_widths(recipe, classes))


def _widths(recipe: NetworkRecipe, classes: int) -> dict[str, Any]:
    """Return the arguments of MONAI's ResNet that say how deep and wide it is."""
    return {
        "layers": list(DEPTHS[recipe.name][1]),
        "block_inplanes": list(PLANES),
        "spatial_dims": 2,
        "n_input_channels": 3,
        "conv1_t_stride": recipe.stem_stride,
        "widen_factor": recipe.width,
        "num_classes": classes,
        "bias_downsample": False,
    }


def build_resnet(recipe: NetworkRecipe, classes: int, seed: int) -> SafeResNet:
    """Return the network with MONAI's initialisation, each layer drawn from (seed, its name) on the CPU."""
    # A network on the meta device draws nothing, so the global generator is not used.
    with torch.device("meta"):
        network = SafeResNet(recipe, classes)
    network.to_empty(device="cpu")
    for name, module in network.named_modules():
        _initialise(module, torch.Generator().manual_seed(seed_of(seed, name)))
    return network


def _initialise(module: nn.Module, generator: torch.Generator) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=generator)
    elif isinstance(module, nn.BatchNorm2d):
        module.reset_parameters()
    elif isinstance(module, nn.Linear):
        nn.init.kaiming_uniform_(module.weight, a=math.sqrt(5), generator=generator)
        nn.init.zeros_(module.bias)

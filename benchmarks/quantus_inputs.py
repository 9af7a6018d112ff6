"""The small inputs on which Quantus and Veritile are compared: images, maps, masks, weights and noise."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Inputs = dict[str, NDArray[np.generic]]

TILES, SIDE, SQUARE, CLASSES, TARGET = 6, 16, 4, 3, 1
COPIES, SIGMA = 5, 0.02
WEIGHT = "weight_"


def drawn_inputs() -> Inputs:
    """Return the arrays, the same at every call.

    ``grey`` uint8 [N, H, W] images; ``colour`` uint8 [N, 3, H, W] images; ``maps`` float32 [N, H, W], signed,
    without ties; ``squares`` the same, constant on squares of 4 x 4; ``masks`` bool [N, H, W], none empty;
    ``noise`` float32 [copies, N, H, W]; ``weight_*`` the weights of :func:`grey_network`.
    """
    generator = np.random.default_rng(0)
    wide = generator.integers(40, 230, (TILES, 3, SIDE, SIDE))
    grey = (wide[:, 0] + np.roll(wide[:, 0], 1, axis=1) + np.roll(wide[:, 0], 1, axis=2)) // 3
    side = SIDE // SQUARE
    levels = generator.permuted(np.linspace(-1, 1.5, TILES * side**2).reshape(TILES, -1), axis=1)
    squares = levels.reshape(TILES, side, side).repeat(SQUARE, 1).repeat(SQUARE, 2)
    maps = generator.normal(size=(TILES, SIDE, SIDE)) + squares
    grey = grey.astype(np.uint8)
    weights = {WEIGHT + name: value.numpy() for name, value in drawn_network(grey).state_dict().items()}
    return {
        "grey": grey,
        "colour": wide.astype(np.uint8),
        "maps": maps.astype(np.float32),
        "squares": squares.astype(np.float32),
        "masks": _boxes(generator),
        "noise": generator.normal(scale=SIGMA, size=(COPIES, TILES, SIDE, SIDE)).astype(np.float32),
        **weights,
    }


def _boxes(generator: np.random.Generator) -> NDArray[np.bool_]:
    corners, sizes = generator.integers(0, 6, (TILES, 2)), generator.integers(5, 11, (TILES, 2))
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    inside = [
        (rows >= top) & (rows < top + height) & (columns >= left) & (columns < left + width)
        for (top, left), (height, width) in zip(corners, sizes, strict=True)
    ]
    return np.stack(inside)


def grey_network() -> nn.Sequential:
    """Return a network of one channel and three logits, for tiles of 16 x 16."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.Softplus(),
        nn.Conv2d(4, 4, 3, stride=2),
        nn.Softplus(),
        nn.AdaptiveAvgPool2d(3),
        nn.Flatten(),
        nn.Linear(36, CLASSES),
    ).eval()


def drawn_network(grey: NDArray[np.uint8]) -> nn.Sequential:
    """Return the network with the weights that are stored: bent enough that pixels matter together.

    Its last bias centres the logits over the tiles, so that not all of them are of one class.
    """
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        network = grey_network()
        for place, factor in ((0, 8), (2, 4), (6, 16)):
            network[place].weight *= factor
        network[6].bias -= network(torch.from_numpy(grey[:, None] / 255.0).float()).mean(0)
        network[6].bias[TARGET] += 0.2
    return network


def stored_network(inputs: Mapping[str, NDArray[np.generic]]) -> nn.Sequential:
    """Return the network with weights that were stored."""
    network = grey_network()
    weights = {k.removeprefix(WEIGHT): torch.from_numpy(v) for k, v in inputs.items() if k.startswith(WEIGHT)}
    network.load_state_dict(weights)
    return network


def gradient(network: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
    """Return the gradient [B, H, W] of the target's logit to images [B, 1, H, W]."""
    leaf = images.detach().requires_grad_()
    with torch.enable_grad():
        picked = network(leaf).gather(1, targets[:, None]).sum()
        (found,) = torch.autograd.grad(picked, leaf)
    return found[:, 0]

"""What both sides of the faithfulness benchmark share: sizes, network, images, explainers in plain torch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

WIDTH, CLASSES, TARGET = 32, 2, 1
SIGMA = 0.1
FUSION_DRAWS = 2

Explain = Callable[[nn.Module, Tensor], Tensor]


@dataclass(frozen=True)
class Sizes:
    """How much there is of everything; both sides get the same."""

    tile_px: int = 96
    images: int = 16
    steps: int = 24
    draws: int = 24
    squares: int = 8
    copies: int = 8
    samples: int = 8
    """Noisy images, weight draws or steps of an explanation that averages."""
    region_px: int = 8
    levels: tuple[int, ...] = (10, 20, 30, 40, 50, 60, 70, 80, 90)

    @property
    def pixels(self) -> int:
        """Of a tile."""
        return self.tile_px**2


SMALL = Sizes(
    tile_px=32, images=4, steps=12, draws=6, squares=4, copies=2, samples=2, region_px=4, levels=(25, 50, 75)
)
"""Enough to see that everything runs."""


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)])
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return [B, outputs, h, w]."""
        inner = self.norms[0](self.first(images)).relu()
        return (self.norms[1](self.second(inner)) + self.shortcut(images)).relu()


class Network(nn.Module):
    """The layout of ResNet-18 at half width, a quarter of the parameters; logits [B, 2]."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        inputs = WIDTH
        for stage in range(4):
            outputs = WIDTH * 2**stage
            blocks += [Residual(inputs, outputs, 1 if stage == 0 else 2), Residual(outputs, outputs, 1)]
            inputs = outputs
        self.stem = nn.Conv2d(channels, WIDTH, 7, 2, 3, bias=False)
        self.norm, self.pool = nn.BatchNorm2d(WIDTH), nn.MaxPool2d(3, 2, 1)
        self.blocks, self.head = nn.Sequential(*blocks), nn.Linear(inputs, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits [B, 2]."""
        features = self.blocks(self.pool(self.norm(self.stem(images)).relu()))
        logits: Tensor = self.head(features.mean((2, 3)))
        return logits


def drawn_network(channels: int = 3) -> Network:
    """Return the network, the same at every call."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Network(channels).eval()


def drawn_images(sizes: Sizes) -> NDArray[np.float32]:
    """Return float32 [N, 3, H, W] in [0, 1]."""
    shape = (sizes.images, 3, sizes.tile_px, sizes.tile_px)
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.float32) / 255


def drawn_masks(sizes: Sizes) -> NDArray[np.bool_]:
    """Return bool [N, H, W], the left third of each tile."""
    masks = np.zeros((sizes.images, sizes.tile_px, sizes.tile_px), dtype=bool)
    masks[:, :, : sizes.tile_px // 3] = True
    return masks


def gradient(model: nn.Module, images: Tensor) -> Tensor:
    """Return the gradient [B, C, H, W] of the target's logit."""
    leaf = images.detach().requires_grad_()
    with torch.enable_grad():
        (found,) = torch.autograd.grad(model(leaf)[:, TARGET].sum(), leaf)
    return found


def input_x_gradient(model: nn.Module, images: Tensor) -> Tensor:
    """Return [B, C, H, W]."""
    return images * gradient(model, images)


def explained_in_plain_torch(sizes: Sizes) -> dict[str, Explain]:
    """Return who explains, by name: images [B, C, H, W] to [B, C, H, W], batched."""
    count = sizes.samples

    def integrated_gradients(model: nn.Module, images: Tensor) -> Tensor:
        shares = (torch.arange(count) + 0.5) / count
        steps = [gradient(model, 1 + share * (images - 1)) for share in shares]
        return (images - 1) * torch.stack(steps).mean(0)

    def smoothgrad(model: nn.Module, images: Tensor) -> Tensor:
        return torch.stack(
            [gradient(model, images + SIGMA * torch.randn_like(images)) for _ in range(count)]
        ).mean(0)

    def noisegrad(model: nn.Module, images: Tensor) -> Tensor:
        return under_weight_noise(model, images, count, gradient)

    def fusiongrad(model: nn.Module, images: Tensor) -> Tensor:
        return under_weight_noise(model, images, FUSION_DRAWS, smoothgrad)

    every = (gradient, input_x_gradient, integrated_gradients, smoothgrad, noisegrad, fusiongrad)
    return {each.__name__: each for each in every}


def under_weight_noise(model: nn.Module, images: Tensor, draws: int, explain: Explain) -> Tensor:
    """Return the mean of ``explain`` over draws of noise on all weights, which are then put back."""
    weights = [parameter.detach().clone() for parameter in model.parameters()]
    total = torch.zeros_like(images)
    for _ in range(draws):
        with torch.no_grad():
            for parameter, kept in zip(model.parameters(), weights, strict=True):
                parameter.copy_(kept * (1 + SIGMA * torch.randn_like(kept)))
        total += explain(model, images)
    with torch.no_grad():
        for parameter, kept in zip(model.parameters(), weights, strict=True):
            parameter.copy_(kept)
    return total / draws


def made_maps(sizes: Sizes) -> dict[str, NDArray[np.float32]]:
    """Return the maps [N, H, W] of each explainer, channels summed."""
    model, images = drawn_network(), torch.from_numpy(drawn_images(sizes))
    explainers = explained_in_plain_torch(sizes)
    return {name: each(model, images).sum(1).detach().numpy() for name, each in explainers.items()}

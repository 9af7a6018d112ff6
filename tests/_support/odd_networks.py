"""Networks as users bring them, each with one habit that matters: small, with seeded weights."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

MEAN, STD = 0.6, 0.2


def body(seed: int = 0, classes: int = 2, channels: int = 3) -> nn.Sequential:
    """Convolution, ReLU, convolution, ReLU, global mean, linear; its weights drawn from ``seed``."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(channels, 6, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(6, 8, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(8, classes),
        )


class Odd(nn.Module):
    """The body, with a change before it and one behind it."""

    def __init__(
        self,
        before: Callable[[Tensor], Tensor] | None = None,
        behind: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.body = body()
        self.before = before or (lambda images: images)
        self.behind = behind or (lambda logits: logits)

    def forward(self, images: Tensor) -> Tensor:
        """Return what is behind the body."""
        return self.behind(self.body(self.before(images)))


def out_of_place() -> Odd:
    """Normalises as it should."""
    return Odd(lambda images: (images - MEAN) / STD)


def in_place() -> Odd:
    """Normalises the images that it was given, where they are."""
    return Odd(lambda images: images.sub_(MEAN).div_(STD))


def standardising() -> Odd:
    """Standardises each channel by its own values: a flat one becomes 0 / 0."""
    return Odd(lambda images: (images - images.mean((2, 3), keepdim=True)) / images.std((2, 3), keepdim=True))


def dropping() -> Odd:
    """Its dropout never turns off."""
    return Odd(behind=lambda logits: F.dropout(logits, 0.5, training=True))


class Probabilities(Odd):
    """Gives probabilities."""

    def __init__(self) -> None:
        super().__init__(behind=lambda logits: logits.softmax(1))


class OfTheBatch(Odd):
    """Its BatchNorm takes the statistics of the batch, in eval mode too."""

    def __init__(self) -> None:
        super().__init__()
        self.body[1] = nn.Sequential(nn.BatchNorm2d(6, track_running_stats=False), nn.ReLU())


class StuckInTraining(Odd):
    """Its BatchNorm stays in training mode and goes on counting."""

    def __init__(self) -> None:
        super().__init__()
        self.body[1] = nn.Sequential(nn.BatchNorm2d(6), nn.ReLU())

    def train(self, mode: bool = True) -> "StuckInTraining":
        """Set the mode of everything else."""
        super().train(mode)
        self.body[1].train()
        return self


class Raising(Odd):
    """Raises ``error`` where ``when`` says so."""

    def __init__(self, error: Exception, when: Callable[[Tensor], bool] = lambda images: True) -> None:
        super().__init__()
        self.error, self.when = error, when

    def forward(self, images: Tensor) -> Tensor:
        """Return logits or raise."""
        if self.when(images):
            raise self.error
        return super().forward(images)


class Checkpointed(nn.Module):
    """The body with its convolutions run again in the backward pass, where it is asked to."""

    def __init__(self, reentrant: bool | None = None) -> None:
        super().__init__()
        layers = body()
        self.lower, self.upper, self.reentrant = layers[:4], layers[4:], reentrant

    def forward(self, images: Tensor) -> Tensor:
        """Return logits."""
        if self.reentrant is None:
            return self.upper(self.lower(images))
        return self.upper(checkpoint(self.lower, images, use_reentrant=self.reentrant))


class Between(nn.Module):
    """The body with something between its convolutions."""

    def __init__(self, between: Callable[[Tensor], Tensor] | nn.Module) -> None:
        super().__init__()
        layers = body()
        self.lower, self.upper, self.between = layers[:2], layers[2:], between

    def forward(self, images: Tensor) -> Tensor:
        """Return logits."""
        return self.upper(self.between(self.lower(images)))


def gated(features: Tensor) -> Tensor:
    """Return each channel times a gate of its mean, as squeeze-and-excitation does."""
    means = features.mean((2, 3), keepdim=True)
    return features * torch.sigmoid(50 * (means - 0.2))


def attention(features: Tensor) -> Tensor:
    """Return the features mixed by the softmax of their own products."""
    tokens = features.flatten(2).transpose(1, 2)
    weights = (100 * tokens @ tokens.transpose(1, 2)).softmax(-1)
    return (weights @ tokens).transpose(1, 2).reshape(features.shape)

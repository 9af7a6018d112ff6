"""What a regularizer may ask of the network, and what one pass through it gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn


class Network(Protocol):
    """What a regularizer needs of a network. :class:`tasks.models.classifier.Classifier` provides it."""

    mean: Tensor
    std: Tensor

    def __call__(self, images: Tensor) -> Tensor:
        """Return logits [B, K] of RGB images [B, 3, H, W] in [0, 1]."""
        ...

    @property
    def feature_layer(self) -> nn.Module:
        """The module whose output is the last convolutional map [B, C, h, w]."""
        ...

    @property
    def pre_activation_layers(self) -> tuple[nn.Module, ...]:
        """The modules whose outputs enter the last ReLU of each stage."""
        ...

    def observe(self, images: Tensor, layers: Sequence[nn.Module]) -> tuple[tuple[Tensor, ...], Tensor]:
        """Return the outputs of ``layers`` and the logits [B, K] of one forward pass."""
        ...


def module_of(model: Network) -> nn.Module:
    """Return ``model`` typed as a module: Python has no type for both."""
    assert isinstance(model, nn.Module)
    return model


@dataclass(frozen=True)
class Pass:
    """One forward pass, with its graph.

    ``logits`` float32 [B, K]; ``features`` [B, C, h, w], the last convolutional map; ``pre_activations``
    are the values before each stage's last ReLU, empty unless a regularizer uses them.
    """

    logits: Tensor
    features: Tensor
    pre_activations: tuple[Tensor, ...]

"""What a regularizer may ask of the network, and what one pass through it gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from tasks.functional.final_map import NoFinalMapError


class Network(Protocol):
    """What a regularizer needs of any network.

    :class:`tasks.models.classifier.Classifier` and :class:`tasks.models.bag_classifier.BagClassifier` provide
    it. ``mean`` and ``std`` are those of the training data, per channel or per feature.
    """

    mean: Tensor
    std: Tensor

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Return logits [B, K] of RGB images [B, 3, H, W] in [0, 1], or of features [B, N, D] and mask."""
        ...


class PixelNetwork(Network, Protocol):
    """What a regularizer of images needs. :class:`tasks.models.classifier.Classifier` provides it."""

    @property
    def feature_layers(self) -> tuple[nn.Module, ...]:
        """The module whose output is the last convolutional map [B, C, h, w]; empty where there is none."""
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

    ``logits`` float32 [B, K]; ``last_map`` [B, C, h, w], the last convolutional map, None in a network
    without one; ``pre_activations`` are the values before each stage's last ReLU, empty unless a regularizer
    uses them.
    """

    logits: Tensor
    last_map: Tensor | None
    pre_activations: tuple[Tensor, ...]

    @property
    def features(self) -> Tensor:
        """The last convolutional map [B, C, h, w].

        Raises:
            NoFinalMapError: the network has none.
        """
        if self.last_map is None:
            raise NoFinalMapError("a regularizer needs the last map [B, C, h, w]; the network has none")
        return self.last_map

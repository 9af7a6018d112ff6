"""The classifier that is trained and explained: normalisation and network in one module."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeGuard

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from tasks.artifacts.checkpoint import Checkpoint
from tasks.models.errors import ModelError
from tasks.models.foreign import build_foreign, last_convolution
from tasks.models.recipe import NetworkRecipe

if TYPE_CHECKING:
    from tasks.models.resnet import SafeResNet

Colour = tuple[float, float, float]
"""One value for each of red, green and blue."""

_HEAD = ("network.fc.weight", "network.fc.bias")


class Classifier(nn.Module):
    """Maps RGB images in [0, 1], float32 [B, 3, H, W], to logits [B, K].

    ``mean`` and ``std`` are buffers [1, 3, 1, 1], so budgets and noise outside are in units of pixels in [0,
    1].
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: Colour, std: Colour) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits [B, K]."""
        logits: Tensor = self.network((images - self.mean) / self.std)
        return logits

    @property
    def feature_layer(self) -> nn.Module:
        """The module whose output is the last convolutional map: stage 4, or a foreign network's last one."""
        if _is_residual(self.network):
            layer: nn.Module = self.network.layer4
            return layer
        return last_convolution(self.network)

    @property
    def pre_activation_layers(self) -> tuple[nn.Module, ...]:
        """The modules whose outputs enter the last ReLU of each of the four stages; none if foreign."""
        if not _is_residual(self.network):
            return ()
        network = self.network
        stages = (network.layer1, network.layer2, network.layer3, network.layer4)
        return tuple(stage[-1].add for stage in stages)

    def with_features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the last convolutional map [B, C, h, w] and the logits [B, K] of one forward pass."""
        (features,), logits = self.observe(images, (self.feature_layer,))
        return features, logits

    def observe(self, images: Tensor, layers: Sequence[nn.Module]) -> tuple[tuple[Tensor, ...], Tensor]:
        """Return the outputs of ``layers``, in their order, and the logits [B, K] of one forward pass."""
        seen: dict[int, Tensor] = {}
        handles = [
            layer.register_forward_hook(lambda _m, _i, output, place=place: seen.update({place: output}))
            for place, layer in enumerate(layers)
        ]
        try:
            logits = self(images)
        finally:
            for handle in handles:
                handle.remove()
        return tuple(seen[place] for place in range(len(layers))), logits

    def channels_last(self) -> Self:
        """Store the convolutions' weights channels last, as tiles are: a sixth faster on a CPU core."""
        # Not Module.to(memory_format=...), which is missing from torch's type stubs.
        for parameter in self.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        return self

    def features(self, images: Tensor) -> Tensor:
        """Return the last convolutional map [B, C, h, w]."""
        return self.with_features(images)[0]


def _is_residual(network: nn.Module) -> TypeGuard["SafeResNet"]:
    """Say whether the layers of ``network`` have the names of our residual network."""
    from tasks.models.resnet import SafeResNet

    return isinstance(network, SafeResNet)


def build_classifier(recipe: NetworkRecipe, classes: int, mean: Colour, std: Colour, seed: int) -> Classifier:
    """Return a new classifier on the CPU in train mode. The global generators are not used.

    Raises:
        ModelError: a foreign network cannot be made, or ``recipe.init`` does not fit.
    """
    from tasks.models.resnet import build_resnet  # MONAI takes seconds to import

    if recipe.module is not None:
        network: nn.Module = build_foreign(recipe.module, classes, seed)
    else:
        network = build_resnet(recipe, classes, seed)
    classifier = Classifier(network, mean, std)
    if recipe.init is not None:
        start_from(classifier, Path(recipe.init))
    return classifier


def load_classifier(checkpoint: Checkpoint, device: torch.device) -> Classifier:
    """Return the trained classifier of ``checkpoint`` on ``device``, in eval mode."""
    info = checkpoint.info
    recipe = NetworkRecipe.model_validate({**info.network, "init": None})
    classifier = build_classifier(recipe, len(info.classes), info.mean, info.std, info.seed)
    classifier.load_state_dict(load_file(checkpoint.weights))
    return classifier.to(device).channels_last().eval()


def start_from(classifier: Classifier, weights: Path) -> None:
    """Load given weights; see :attr:`NetworkRecipe.init` for the keys.

    Raises:
        ModelError: the file is absent, lacks a layer, or a layer other than the head has another shape.
    """
    if not weights.is_file():
        raise ModelError(f"network.init {weights.name!r} is not a file")
    own = classifier.state_dict()
    given = {_own_key(key, own): value for key, value in load_file(weights).items()}
    for key in _HEAD:
        if key in given and key in own and given[key].shape != own[key].shape:
            given[key] = own[key]
    missing = [key for key in own if key not in given and key not in ("mean", "std", *_HEAD)]
    wrong = [key for key in own if key in given and given[key].shape != own[key].shape]
    if missing or wrong:
        raise ModelError(f"network.init {weights.name!r} does not fit: {_misfit(missing, wrong)}")
    classifier.load_state_dict({key: given.get(key, value) for key, value in own.items()})


def _own_key(key: str, own: dict[str, Tensor]) -> str:
    return key if key in own else f"network.{key}"


def _misfit(missing: list[str], wrong: list[str]) -> str:
    parts = [f"{len(missing)} layers are missing, first {missing[0]!r}"] if missing else []
    parts += [f"{len(wrong)} have another shape, first {wrong[0]!r}"] if wrong else []
    return " and ".join(parts)

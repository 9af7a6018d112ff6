"""The classifier that is trained and explained: normalisation and network in one module."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeGuard

import torch
from torch import Tensor, nn

from tasks.artifacts.checkpoint import Checkpoint
from tasks.functional.final_map import NoFinalMapError, final_map
from tasks.models.door.ask import ask_network
from tasks.models.door.made_up import made_up_tiles
from tasks.models.errors import ModelError
from tasks.models.fitting import check_normalisation, fitting
from tasks.models.foreign import build_foreign, picked
from tasks.models.recipe import NetworkRecipe
from tasks.models.weight_files import read_weights

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

    def __init__(
        self, network: nn.Module, mean: Colour, std: Colour, logits: int | str | None = None
    ) -> None:
        super().__init__()
        self.network = network
        self._place = logits
        self._final_map: str | None = None
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits [B, K]."""
        output = self.network((images - self.mean) / self.std)
        logits: Tensor = picked(output, self._place, type(self.network).__name__)
        return logits

    def settle(self, images: Tensor) -> None:
        """Find the last map of a foreign network by one pass of the first image; see :func:`final_map`."""
        if not _is_residual(self.network) and self._final_map is None:
            self._final_map = final_map(self, images[:1])

    @property
    def feature_layer(self) -> nn.Module:
        """The module whose output is the last convolutional map: stage 4, or what :meth:`settle` found.

        Raises:
            NoFinalMapError: a foreign network has no such map, or has not been settled.
        """
        if _is_residual(self.network):
            layer: nn.Module = self.network.layer4
            return layer
        if self._final_map is None:
            raise NoFinalMapError(
                f"the last map of {type(self.network).__name__} is not known; name the layer yourself"
            )
        return self.get_submodule(self._final_map)

    @property
    def feature_layers(self) -> tuple[nn.Module, ...]:
        """The :attr:`feature_layer`, if there is one."""
        known = _is_residual(self.network) or self._final_map is not None
        return (self.feature_layer,) if known else ()

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
        self.settle(images)
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
        network: nn.Module = build_foreign(recipe.module, recipe.arguments, classes, seed)
    else:
        network = build_resnet(recipe, classes, seed)
    classifier = Classifier(network, mean, std, recipe.logits)
    if recipe.init is not None:
        start_from(classifier, Path(recipe.init))
    return classifier


def load_classifier(checkpoint: Checkpoint, device: torch.device) -> Classifier:
    """Return the trained classifier of ``checkpoint`` on ``device``, in eval mode.

    Raises:
        ModelError: it is a slide model, the weights do not fit, or a foreign network does not answer as it
            must.
    """
    info = checkpoint.info
    if info.mean is None or info.std is None:
        raise ModelError(
            f"the checkpoint {checkpoint.folder.name!r} is of a slide model, not of a tile classifier"
        )
    recipe = NetworkRecipe.model_validate({**info.network, "init": None})
    classifier = build_classifier(recipe, len(info.classes), info.mean, info.std, info.seed)
    title = f"the checkpoint's {checkpoint.weights.name}"
    found = fitting(read_weights(checkpoint.weights, title), classifier.state_dict(), title)
    classifier.load_state_dict({**classifier.state_dict(), **found})
    classifier = classifier.to(device).channels_last().eval()
    if recipe.module is not None:
        ask_foreign(classifier, len(info.classes), info.tile_px)
    return classifier


_ANY_MEAN, _ANY_STD = (0.75, 0.6, 0.7), (0.15, 0.2, 0.15)
"""Colours of stained tissue, for a look at a network before there are tiles."""


def check_recipe(recipe: NetworkRecipe, classes: int, tile_px: int) -> tuple[str, ...]:
    """Make the network once, with its initial weights, and ask a foreign one all questions of the door.

    Returns:
        Sentences about what does not stop the work but changes what its numbers mean.

    Raises:
        ModelError: it cannot be made, its initial weights do not fit, or it does not answer as it must.
    """
    if recipe.module is None and recipe.init is None:
        return ()
    classifier = build_classifier(recipe, classes, _ANY_MEAN, _ANY_STD, seed=0)
    return () if recipe.module is None else ask_foreign(classifier, classes, tile_px)


def ask_foreign(classifier: Classifier, classes: int, tile_px: int) -> tuple[str, ...]:
    """Ask a foreign network all questions of the door, with made-up tiles; return what is to be said of it.

    Raises:
        ModelError: an answer does not fit, or it gives another number of logits than there are classes.
    """
    tiles = made_up_tiles(classifier.mean, classifier.std, tile_px)
    admission = ask_network(classifier, tiles, type(classifier.network).__name__)
    if admission.classes != classes:
        raise ModelError(
            f"{type(classifier.network).__name__} gives {admission.classes} logits; the study has {classes} "
            "classes: say so in network.arguments"
        )
    with suppress(NoFinalMapError):
        # Whoever needs the map says what is wrong: others can do without.
        classifier.settle(tiles)
    return admission.notes


def start_from(classifier: Classifier, weights: Path) -> None:
    """Load given weights; see :attr:`NetworkRecipe.init` for the keys.

    Raises:
        ModelError: the file cannot be read, or its layers are not those of the network. A head of another
            number of classes is left at its random start.
    """
    title, own = f"network.init {weights.name!r}", classifier.state_dict()
    given = read_weights(weights, title)
    found = fitting(given, own, title, free=("mean", "std"), heads=_HEAD, inside="network.")
    check_normalisation(found, title)
    classifier.load_state_dict({**own, **found})

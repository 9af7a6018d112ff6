"""A trained network from outside: its architecture and its weights, which are never unpickled."""

import importlib
from pathlib import Path
from typing import Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from tasks.artifacts.checkpoint import INFO, WEIGHTS, Checkpoint
from tasks.functional.foreign_errors import SaidAs
from tasks.models.classifier import Colour, build_classifier, load_classifier
from tasks.models.errors import ModelError
from tasks.models.fitting import check_normalisation, fitting
from tasks.models.recipe import NetworkRecipe
from tasks.models.weight_files import read_weights
from tasks.scoring.errors import ScoringError
from tasks.slides.present import is_present

_NEUTRAL: tuple[Colour, Colour] = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


class NetworkSource(BaseModel):
    """One of: a Veritile checkpoint; a network recipe with weights; a factory with weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checkpoint: str | None = None
    """The folder of a Veritile checkpoint: ``weights.safetensors`` and ``checkpoint.json``."""
    network: NetworkRecipe | None = None
    """A network as in a study file; it takes normalised images."""
    factory: str | None = None
    """``package.module:function``: called without arguments it returns an ``nn.Module`` that takes images in
    [0, 1] and returns logits."""
    weights: str | None = None
    """A safetensors file with all weights of ``network`` or of what ``factory`` returns."""
    classes: int | None = Field(default=None, ge=2)
    """Of ``network``: how many."""
    mean: Colour | None = None
    """Of ``network``: subtracted from images in [0, 1]; by default ``mean`` in the weights."""
    std: Colour | None = None
    """Of ``network``: divides the result; by default ``std`` in the weights."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        named = [name for name in ("checkpoint", "network", "factory") if getattr(self, name) is not None]
        if len(named) != 1:
            raise ValueError(f"name one of checkpoint, network and factory, got {', '.join(named) or 'none'}")
        if (self.weights is None) != (self.checkpoint is not None):
            raise ValueError("weights go with network and factory, and with these they are needed")
        if (self.classes is None) != (self.network is None):
            raise ValueError("classes go with network, and with it they are needed")
        if self.network is None and (self.mean is not None or self.std is not None):
            raise ValueError("mean and std go with network; a factory normalises inside")
        if self.network is not None and self.network.init is not None:
            raise ValueError("network.init is where a training starts; name the trained weights as weights")
        return self

    def files(self, root: Path) -> tuple[Path, ...]:
        """Return the files of weights and description, found from ``root``."""
        if self.checkpoint is not None:
            return root / self.checkpoint / WEIGHTS, root / self.checkpoint / INFO
        return (root / str(self.weights),)


def load_network(source: NetworkSource, root: Path, device: torch.device) -> nn.Module:
    """Return the network on ``device``, in eval mode.

    Args:
        source: what to load; its paths start from ``root``.
        root: a folder.
        device: where to put it.

    Raises:
        ScoringError: a file is absent or broken, the network cannot be made, or the weights do not fit it.
    """
    for path in source.files(root):
        if not is_present(path):
            raise ScoringError(f"there is no file {path.name} in {path.parent}")
    try:
        if source.checkpoint is not None:
            return load_classifier(Checkpoint(root / source.checkpoint), device)
        model = network_of_factory(source.factory) if source.factory is not None else _built(source)
        given = read_weights(root / str(source.weights), f"the file {source.weights}")
        _fill(model, given, source)
    except (ModelError, ValueError) as error:
        raise ScoringError(str(error)) from error
    return model.to(device).eval()


def _built(source: NetworkSource) -> nn.Module:
    mean, std = (given or neutral for given, neutral in zip((source.mean, source.std), _NEUTRAL, strict=True))
    assert source.network is not None
    assert source.classes is not None
    return build_classifier(source.network, source.classes, mean, std, seed=0)


def network_of_factory(factory: str) -> nn.Module:
    """Return what ``package.module:function`` gives, or the module of that name.

    Raises:
        ScoringError: it cannot be imported, raised an error, or is no network.
    """
    path, _, name = factory.partition(":")
    with SaidAs(ScoringError, f"factory {factory!r} cannot be imported"):
        function = getattr(importlib.import_module(path), name)
    with SaidAs(ScoringError, f"factory {factory!r} raised an error"):
        model = function() if callable(function) else function
    if not isinstance(model, nn.Module):
        raise ScoringError(f"factory {factory!r} gave {type(model).__name__}; needed a torch.nn.Module")
    return model


def _fill(model: nn.Module, given: dict[str, Tensor], source: NetworkSource) -> None:
    """Load the weights, which must be exactly those of the network."""
    own, title = model.state_dict(), f"the file {source.weights}"
    if source.network is None:
        model.load_state_dict({**own, **fitting(given, own, title)})
        return
    stated = {name: own[name] for name in ("mean", "std") if getattr(source, name) is not None}
    given = {name: value for name, value in given.items() if name not in stated}
    found = {**fitting(given, own, title, free=("mean", "std"), inside="network."), **stated}
    for name in ("mean", "std"):
        if name not in found:
            raise ScoringError(f"{title} holds no {name!r}; state it beside network")
    check_normalisation(stated, "the job")
    check_normalisation(found, title)
    model.load_state_dict({**own, **found})

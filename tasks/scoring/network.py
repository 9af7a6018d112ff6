"""The door for a network that a caller brings."""

import torch
from torch import Tensor, nn

from tasks.models.door.ask import Admission, ask_network
from tasks.models.errors import ModelError
from tasks.scoring.errors import ScoringError
from tasks.scoring.memory import ImagesInMemory


def admitted(model: nn.Module, images: ImagesInMemory, device: str) -> Admission:
    """Return what :func:`tasks.models.door.ask.ask_network` finds out with the first two images.

    Raises:
        ScoringError: it is not a float32 network on ``device``, does not answer as everything here relies
            on, or a target is not a class.
    """
    _check_weights(model, device)
    try:
        admission = ask_network(model, first_images(images, device), f"the model {type(model).__name__}")
    except ModelError as error:
        raise ScoringError(str(error)) from error
    strangers = [int(target) for target in images.targets if not 0 <= target < admission.classes]
    if strangers:
        raise ScoringError(
            f"targets name class {strangers[0]}; the model has {admission.classes} classes, counted from 0"
        )
    return admission


def first_images(images: ImagesInMemory, device: str) -> Tensor:
    """Return float32 [n, 3, H, W] in [0, 1], n at most 2, in memory of their own."""
    # A tensor made from an array shares its memory with the caller.
    first = torch.from_numpy(images.images[:2].copy()).to(device)
    return first.div(255.0) if first.dtype == torch.uint8 else first


def _check_weights(model: nn.Module, device: str) -> None:
    if not isinstance(model, nn.Module):
        raise ScoringError(f"the model is {type(model).__name__}; needed a torch.nn.Module")
    try:
        wanted = torch.device(device).type
    except RuntimeError as error:
        raise ScoringError(f"no device {device!r}") from error
    for parameter in model.parameters():
        if parameter.device.type != wanted:
            raise ScoringError(f"the model lies on {parameter.device.type}, the device asked for is {device}")
        if parameter.dtype != torch.float32:
            raise ScoringError(f"the model holds {parameter.dtype} weights; needed torch.float32")

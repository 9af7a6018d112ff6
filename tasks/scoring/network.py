"""Checks of a network before it is used."""

import torch
from torch import nn

from tasks.functional.gradients import LogitsError, check_logits
from tasks.functional.leave_as_found import leave_as_found
from tasks.scoring.errors import ScoringError
from tasks.scoring.memory import ImagesInMemory


def class_count(model: nn.Module, images: ImagesInMemory, device: str) -> int:
    """Return how many logits ``model`` gives for an image, found by one forward pass of the first image.

    Raises:
        ScoringError: it is not a float32 network on ``device``, does not accept the images, does not give
            finite logits of two or more classes, or a target is not a class.
    """
    _check_weights(model, device)
    first = torch.from_numpy(images.images[:1]).to(device)
    first = first.div(255.0) if first.dtype == torch.uint8 else first
    with leave_as_found(model), torch.no_grad():
        try:
            logits = model(first)
        except RuntimeError as error:
            raise ScoringError(
                f"the model does not take an image of shape {list(first.shape)}: {str(error).splitlines()[0]}"
            ) from error
    _check_logits(logits)
    classes = int(logits.shape[1])
    strangers = [int(target) for target in images.targets if not 0 <= target < classes]
    if strangers:
        raise ScoringError(
            f"targets name class {strangers[0]}; the model has {classes} classes, counted from 0"
        )
    return classes


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


def _check_logits(logits: object) -> None:
    if not isinstance(logits, torch.Tensor):
        raise ScoringError(f"the model gave {type(logits).__name__}; needed a tensor of logits [B, K]")
    try:
        check_logits(logits, torch.zeros(1, dtype=torch.int64))
    except LogitsError as error:
        raise ScoringError(str(error)) from error
    if not torch.isfinite(logits).all():
        raise ScoringError("the model gave logits that are not finite")

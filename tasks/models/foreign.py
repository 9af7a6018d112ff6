"""Networks from other packages: any importable module that gives logits."""

import importlib
import threading

import torch
from torch import nn

from tasks.functional.noise import seed_of
from tasks.models.errors import ModelError

_BUILDING = threading.Lock()


def build_foreign(module: str, classes: int, seed: int) -> nn.Module:
    """Return ``Class(num_classes=classes)`` of ``package.module:Class``, its weights drawn from ``seed``.

    A foreign constructor uses torch's global generator, which is seeded for it and then restored.

    Raises:
        ModelError: it cannot be imported, is not an ``nn.Module``, or does not accept ``num_classes``.
    """
    kind = _import_class(module)
    with _BUILDING, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed_of(seed, "foreign"))
        try:
            return kind(num_classes=classes)
        except TypeError as error:
            raise ModelError(
                f"network.module {module!r} cannot be made with num_classes={classes}: {error}"
            ) from error


def _import_class(module: str) -> type[nn.Module]:
    path, _, name = module.partition(":")
    try:
        kind = getattr(importlib.import_module(path), name)
    except (ImportError, AttributeError) as error:
        raise ModelError(f"network.module {module!r} cannot be imported: {error}") from error
    if not isinstance(kind, type) or not issubclass(kind, nn.Module):
        raise ModelError(f"network.module {module!r} is {kind!r}; needed a subclass of torch.nn.Module")
    return kind


def last_convolution(network: nn.Module) -> nn.Module:
    """Return the last convolution in order of definition: the features of a foreign network.

    Raises:
        ModelError: it has none.
    """
    found = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    if not found:
        raise ModelError(f"{type(network).__name__} has no Conv2d, so it has no convolutional features")
    return found[-1]

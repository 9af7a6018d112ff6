"""Networks from other packages: any importable module that gives logits."""

import importlib
import json
import threading
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from tasks.functional.foreign_errors import SaidAs, told
from tasks.functional.noise import seed_of
from tasks.models.errors import ModelError

_BUILDING = threading.Lock()


def build_foreign(module: str, arguments: Mapping[str, Any] | None, classes: int, seed: int) -> nn.Module:
    """Return ``Class(**arguments)`` of ``package.module:Class``, its weights drawn from ``seed``.

    Without arguments it is ``Class(num_classes=classes)``. A foreign constructor uses torch's global
    generator, which is seeded for it and then restored.

    Raises:
        ModelError: it cannot be imported, is not an ``nn.Module``, or its constructor raises an error.
    """
    kind = _import_class(module)
    # JSON makes the copy: a constructor may change the lists that it is given.
    given: dict[str, Any] = (
        {"num_classes": classes} if arguments is None else json.loads(json.dumps(arguments))
    )
    listed = ", ".join(f"{name}={value!r}" for name, value in given.items())
    with _BUILDING, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed_of(seed, "foreign"))
        with SaidAs(ModelError, f"network.module {module!r} cannot be made with {listed or 'no argument'}"):
            return kind(**given)


def _import_class(module: str) -> type[nn.Module]:
    path, _, name = module.partition(":")
    with SaidAs(ModelError, f"network.module {module!r} cannot be imported"):
        kind = getattr(importlib.import_module(path), name)
    if not isinstance(kind, type) or not issubclass(kind, nn.Module):
        raise ModelError(f"network.module {module!r} is {kind!r}; needed a subclass of torch.nn.Module")
    return kind


def picked(output: object, place: int | str | None, title: str) -> Any:
    """Return the logits among what a network gives: an item of a tuple or list, or a value of a mapping.

    Raises:
        ModelError: there is no such item.
    """
    if place is None:
        return output
    try:
        return output[place]  # type: ignore[index]  # whether it can be indexed is what is asked
    except (LookupError, TypeError) as error:
        raise ModelError(
            f"network.logits {place!r} names nothing in the {type(output).__name__} that {title} gives: "
            f"{told(error)}"
        ) from error

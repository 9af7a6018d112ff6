"""The model of the last build in this thread, kept for the next: loading takes as long as some maps."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from tasks.artifacts.checkpoint import Checkpoint
from tasks.models.bag_classifier import BagClassifier, load_bag_classifier
from tasks.models.classifier import Classifier, load_classifier

M = TypeVar("M", bound=nn.Module)

Which = tuple[Path, int, int, str]
"""The file of the weights with its time and size, and the device."""


class _Kept(threading.local):
    """What one thread keeps: builds that run at the same time never share a network."""

    which: Which | None = None
    model: nn.Module | None = None


_kept = _Kept()


@contextmanager
def kept_classifier(checkpoint: Checkpoint, device: torch.device) -> Iterator[Classifier]:
    """Provide what :func:`tasks.models.classifier.load_classifier` returns; the block leaves it as found.

    It is kept when the block ends without an error, until the thread asks for another one. A network of
    another package is never kept: it may hold a state that nobody can see, and parts would depend on which
    was built before.
    """
    with _lent(checkpoint, device, load_classifier) as classifier:
        yield classifier


@contextmanager
def kept_bag_classifier(checkpoint: Checkpoint, device: torch.device) -> Iterator[BagClassifier]:
    """Provide what :func:`tasks.models.bag_classifier.load_bag_classifier` returns, kept in the same way."""
    with _lent(checkpoint, device, load_bag_classifier) as classifier:
        yield classifier


@contextmanager
def _lent(
    checkpoint: Checkpoint, device: torch.device, load: Callable[[Checkpoint, torch.device], M]
) -> Iterator[M]:
    which = _which(checkpoint, device)
    # One file of weights is of one kind of model, so what is kept for it is what ``load`` would return.
    model: M | None = _kept.model if _kept.which == which else None  # type: ignore[assignment]
    # Given up first, so that two are never in memory and a failed block keeps none.
    _kept.which, _kept.model = None, None
    if model is None:
        model = load(checkpoint, device)
    yield model
    if checkpoint.info.network.get("module") is None:
        _kept.which, _kept.model = which, model


def _which(checkpoint: Checkpoint, device: torch.device) -> Which:
    weights = checkpoint.weights.stat()
    return checkpoint.weights, weights.st_mtime_ns, weights.st_size, str(device)

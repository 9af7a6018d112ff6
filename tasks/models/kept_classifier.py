"""The model of the last build in this thread, kept for the next: loading takes as long as some maps."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from tasks.artifacts.checkpoint import Checkpoint
from tasks.models.bag_classifier import BagClassifier, load_bag_classifier
from tasks.models.classifier import Classifier, load_classifier
from tasks.models.kept import KeptInThread

M = TypeVar("M", bound=nn.Module)

Which = tuple[Path, int, int, str]
"""The file of the weights with its time and size, and the device."""


_kept: KeptInThread[nn.Module] = KeptInThread()


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
    ours = checkpoint.info.network.get("module") is None
    with _kept.lent(which, lambda: load(checkpoint, device), keep=ours) as model:
        # One file of weights is of one kind of model, so what is kept for it is what ``load`` would return.
        yield model  # type: ignore[misc]


def _which(checkpoint: Checkpoint, device: torch.device) -> Which:
    weights = checkpoint.weights.stat()
    return checkpoint.weights, weights.st_mtime_ns, weights.st_size, str(device)

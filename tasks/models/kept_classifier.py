"""The classifier of the last build in this thread, kept for the next: loading takes as long as some maps."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from tasks.artifacts.checkpoint import Checkpoint
from tasks.models.classifier import Classifier, load_classifier

Which = tuple[Path, int, int, str]
"""The file of the weights with its time and size, and the device."""


class _Kept(threading.local):
    """What one thread keeps: builds that run at the same time never share a network."""

    which: Which | None = None
    classifier: Classifier | None = None


_kept = _Kept()


@contextmanager
def kept_classifier(checkpoint: Checkpoint, device: torch.device) -> Iterator[Classifier]:
    """Provide what :func:`tasks.models.classifier.load_classifier` returns; the block leaves it as found.

    It is kept when the block ends without an error, until the thread asks for another one. A network of
    another package is never kept: it may hold a state that nobody can see, and parts would depend on which
    was built before.
    """
    which = _which(checkpoint, device)
    classifier = _kept.classifier if _kept.which == which else None
    # Given up first, so that two are never in memory and a failed block keeps none.
    _kept.which, _kept.classifier = None, None
    if classifier is None:
        classifier = load_classifier(checkpoint, device)
    yield classifier
    if checkpoint.info.network.get("module") is None:
        _kept.which, _kept.classifier = which, classifier


def _which(checkpoint: Checkpoint, device: torch.device) -> Which:
    weights = checkpoint.weights.stat()
    return checkpoint.weights, weights.st_mtime_ns, weights.st_size, str(device)

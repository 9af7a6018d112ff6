"""The encoder of the last build in this thread, kept for the next slide: a large one takes long to load."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from tasks.artifacts.feature_set import EncoderFacts
from tasks.models.encoders.base import Encoder


@dataclass(frozen=True)
class LoadedEncoder:
    """An encoder in memory.

    Attributes:
        network: on its device, in eval mode, without gradients of its weights.
        facts: of the weights that were loaded.
    """

    network: nn.Module
    facts: EncoderFacts


Which = tuple[Encoder, tuple[tuple[Path, int, int], ...], str]
"""The recipe, its files with their times and sizes, and the device."""


class _KeptEncoder(threading.local):
    """What one thread keeps: builds that run at the same time never share a network."""

    which: Which | None = None
    loaded: LoadedEncoder | None = None


_kept = _KeptEncoder()


@contextmanager
def kept_encoder(encoder: Encoder, device: torch.device) -> Iterator[LoadedEncoder]:
    """Provide the network of ``encoder`` on ``device``, and what it is; the block leaves it as found.

    It is kept when the block ends without an error, until the thread asks for another one. A network of
    another package is never kept: it may hold a state that nobody can see.

    Raises:
        ModelError: its weights are absent or do not fit.
    """
    which = _which(encoder, device)
    loaded = _kept.loaded if _kept.which == which else None
    # Given up first, so that two are never in memory and a failed block keeps none.
    _kept.which, _kept.loaded = None, None
    if loaded is None:
        loaded = LoadedEncoder(encoder.build().to(device), encoder.facts())
    yield loaded
    if encoder.is_ours:
        _kept.which, _kept.loaded = which, loaded


def _which(encoder: Encoder, device: torch.device) -> Which:
    there = [path for path in encoder.files().values() if path.is_file()]
    stats = ((path, path.stat()) for path in there)
    return encoder, tuple((path, each.st_mtime_ns, each.st_size) for path, each in stats), str(device)

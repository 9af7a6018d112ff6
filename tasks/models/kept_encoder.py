"""The encoder of the last build in this thread, kept for the next slide: a large one takes long to load."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from tasks.artifacts.feature_set import EncoderFacts
from tasks.models.encoders.base import Encoder
from tasks.models.kept import KeptInThread


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


_kept: KeptInThread[LoadedEncoder] = KeptInThread()


@contextmanager
def kept_encoder(encoder: Encoder, device: torch.device) -> Iterator[LoadedEncoder]:
    """Provide the network of ``encoder`` on ``device``, and what it is; the block leaves it as found.

    It is kept when the block ends without an error, until the thread asks for another one. A network of
    another package is never kept: it may hold a state that nobody can see.

    Raises:
        ModelError: its weights are absent or do not fit.
    """

    def load() -> LoadedEncoder:
        return LoadedEncoder(encoder.build().to(device), encoder.facts())

    with _kept.lent(_which(encoder, device), load, keep=encoder.is_ours) as loaded:
        yield loaded


def _which(encoder: Encoder, device: torch.device) -> Which:
    there = [path for path in encoder.files().values() if path.is_file()]
    stats = ((path, path.stat()) for path in there)
    return encoder, tuple((path, each.st_mtime_ns, each.st_size) for path, each in stats), str(device)

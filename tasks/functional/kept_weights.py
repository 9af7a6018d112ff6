"""Weights that come back bit for bit, whatever happens in between."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def kept_weights(parameters: Mapping[str, nn.Parameter]) -> Iterator[Mapping[str, Tensor]]:
    """Yield copies of the parameters by name, and put these back at the end, also after an exception."""
    saved = {name: value.detach().clone() for name, value in parameters.items()}
    try:
        yield saved
    finally:
        with torch.no_grad():
            for name, values in saved.items():
                parameters[name].copy_(values)

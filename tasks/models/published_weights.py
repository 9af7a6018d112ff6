"""Weights that others published, in a safetensors file or one of ``torch.save``, of which no code is run."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from tasks.functional.foreign_errors import SaidAs
from tasks.models.errors import ModelError
from tasks.models.weight_files import read_weights

_PICKLES = (b"PK\x03\x04", b"\x80")
_HEADER = 8
"""Where the header of a safetensors file begins: with a brace."""
_INSIDE = ("state_dict", "model", "teacher", "model_state_dict")
"""Under which keys training programs put the weights, beside an optimiser and such."""


def read_published(path: Path, title: str) -> dict[str, Tensor]:
    """Return the tensors of a file by name, numbers with a fraction as float32.

    A file of ``torch.save`` may hold the weights in a dictionary under one of :data:`_INSIDE`; what else it
    holds is left out.

    Args:
        path: the file.
        title: what to call it in a sentence.

    Raises:
        ModelError: as :func:`tasks.models.weight_files.read_weights` raises it, or a file of ``torch.save``
            holds anything but tensors and plain data, or no tensors.
    """
    if path.is_file() and _is_pickled(path):
        return _pickled(path, title)
    return _as_floats(read_weights(path, title))


def _is_pickled(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(_HEADER + 1)
    # The length of a safetensors header may by chance begin as a pickle does.
    return start.startswith(_PICKLES) and start[_HEADER:] != b"{"


def _pickled(path: Path, title: str) -> dict[str, Tensor]:
    with SaidAs(ModelError, f"{title} cannot be read as weights alone, and nothing else of a pickle is read"):
        held = torch.load(path, map_location="cpu", weights_only=True)
    inner = held if isinstance(held, Mapping) else {}
    inner = next((inner[key] for key in _INSIDE if isinstance(inner.get(key), Mapping)), inner)
    weights = _as_floats({str(name): value for name, value in inner.items() if isinstance(value, Tensor)})
    if not weights:
        raise ModelError(f"{title} holds no tensors by name, which weights are")
    broken = [name for name, value in weights.items() if not torch.isfinite(value).all()]
    if broken:
        raise ModelError(
            f"{title} holds values that are not finite in {len(broken)} layers, first {broken[0]!r}"
        )
    return weights


def _as_floats(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.float() if value.is_floating_point() else value for name, value in weights.items()}

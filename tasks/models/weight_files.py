"""Weights in a safetensors file: that it is one, whole, and said in one sentence if it is not."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from tasks.functional.foreign_errors import SaidAs
from tasks.models.errors import ModelError

_LFS = b"version https://git-lfs"
_PICKLES = (b"PK\x03\x04", b"\x80")
_LENGTH = 8
"""Bytes at the start of a safetensors file that say how long its header is."""


def read_weights(path: Path, title: str) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file.

    Args:
        path: the file.
        title: what to call it in a sentence.

    Raises:
        ModelError: the file is absent, empty, a Git LFS pointer, a pickle, cut short or damaged, names a
            tensor twice, or holds values that are not finite.
    """
    if not path.is_file():
        raise ModelError(f"{title} is not a file")
    _check_header(path, title)
    with SaidAs(ModelError, f"{title} cannot be read as safetensors"):
        weights = load_file(path)
    broken = [name for name, value in weights.items() if not torch.isfinite(value.float()).all()]
    if broken:
        raise ModelError(
            f"{title} holds values that are not finite in {len(broken)} layers, first {broken[0]!r}"
        )
    return weights


def _check_header(path: Path, title: str) -> None:
    size = path.stat().st_size
    if size == 0:
        raise ModelError(f"{title} is empty")
    with path.open("rb") as file:
        start = file.read(len(_LFS))
        file.seek(_LENGTH)
        length = int.from_bytes(start[:_LENGTH], "little")
        # Not read where the number cannot be a length.
        header = file.read(length) if length <= size - _LENGTH else b""
    if start == _LFS:
        raise ModelError(f"{title} is a Git LFS pointer, not the weights; fetch them with `git lfs pull`")
    if not header and start.startswith(_PICKLES):
        raise ModelError(
            f"{title} is pickled by torch.save, whatever it is called; nothing is unpickled here: save the "
            "state dict with safetensors.torch.save_file"
        )
    if not header:
        raise ModelError(f"{title} is cut short, or not a safetensors file: its header does not fit into it")
    _check_tensors(_parsed(header, title), size - _LENGTH - length, title)


def _parsed(header: bytes, title: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        repeated = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]
        if repeated:
            raise ModelError(f"{title} names {repeated[0]!r} more than once")
        return dict(pairs)

    with SaidAs(ModelError, f"{title} is not a safetensors file"):
        parsed: dict[str, Any] = json.loads(header, object_pairs_hook=once)
    return parsed


def _check_tensors(header: dict[str, Any], held: int, title: str) -> None:
    described = [value for name, value in header.items() if name != "__metadata__"]
    with SaidAs(ModelError, f"{title} is not a safetensors file"):
        wanted = max((int(value["data_offsets"][1]) for value in described), default=0)
    if wanted > held:
        raise ModelError(f"{title} is cut short: {held} of {wanted} bytes of weights are there")

"""Where files of strangers come in: the kinds of files, and which module holds good ones and their reader."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Files = Mapping[str, bytes]
"""The files of a folder by name; the first of them is changed."""


@dataclass(frozen=True)
class Door:
    """A kind of file.

    Attributes:
        seeds: folders of good files.
        read: reads the files of a folder as the product does.
        text: whether they are text.
    """

    seeds: tuple[Files, ...]
    read: Callable[[Path], object]
    text: bool = True


SHARES = {
    "outlines": {"geojson": 12, "objects": 4, "asap": 10, "points": 3},
    "tables": {"manifest": 10, "labels": 4},
    "studies": {"study": 8, "score job": 5},
    "slides": {"tiff": 8, "dicom": 8},
    "hdf5": {"features": 8, "coordinates": 5},
    "pictures": {"mask": 5, "tile list": 5, "zip": 5, "tile table": 4},
    "scores": {
        "index": 4, "npy": 6, "npy features": 4, "zarr": 6, "safetensors": 8, "pt": 4, "score tables": 4,
    },
}  # fmt: skip
"""The doors by the module that holds them, ``benchmarks.fuzz_<module>``, and how often each is asked."""


def shares() -> dict[str, int]:
    """Return every door and its share of the inputs, in parts of the whole."""
    return {name: share for named in SHARES.values() for name, share in named.items()}


def door(name: str) -> Door:
    """Return a door; nothing but its own module is imported."""
    module = next(each for each, named in SHARES.items() if name in named)
    found: Door = importlib.import_module(f"benchmarks.fuzz_{module}").DOORS[name]
    return found

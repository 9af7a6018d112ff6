"""Feature files of TRIDENT, CLAM and STAMP: one HDF5 per slide with a feature vector and a position per tile.

* TRIDENT: ``features`` [N, D] and ``coords`` [N, 2] in level-0 pixels, whose attributes hold
  ``patch_size_level0``.
* CLAM: ``features`` and ``coords`` alone; the size of tiles is in the file of coordinates.
* STAMP from 2.1: ``feats`` and ``coords`` in micrometres; ``unit``, ``tile_size_um``, ``stamp_version``.

Whose a file is and what its numbers count is read from its attributes, and never guessed.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from tasks.slides.errors import SlideError
from tasks.slides.hdf5 import BROKEN, own_dataset

Producer = Literal["trident", "clam", "stamp"]

SUFFIXES = (".h5", ".hdf5")
OLDEST_STAMP, NEWEST_STAMP = (2, 1), (2, 5)
"""The versions of STAMP whose files are understood; patch versions do not matter."""

MICRONS_AT_ONE = 10.0
"""Micrometres per pixel at a nominal objective of 1x; TRIDENT names resolutions by it."""

COORDS = "coords"


@dataclass(frozen=True)
class FeatureFile:
    """What a feature file says, without its features.

    Attributes:
        producer: whose layout it has.
        dataset: the name of the features in the file.
        coords: upper left corners, float64 [N, 2], in level-0 pixels or, of STAMP, in micrometres.
        side: side of a tile in the unit of ``coords``; None where another file says it.
        tile_px: side in pixels as the encoder saw it; None where it is not stated.
        level0_mpp: nominal micrometres per level-0 pixel; None where it is not stated.
        slide_size: width and height of the slide in level-0 pixels; None where they are not stated.
        encoder: name of the encoder as the file claims it; "" where it names none.
        dim: D.
        dtype: how the features are stored.
    """

    producer: Producer
    dataset: str
    coords: NDArray[np.float64]
    side: float | None
    tile_px: int | None
    level0_mpp: float | None
    slide_size: tuple[int, int] | None
    encoder: str
    dim: int
    dtype: str

    def corners_level0(self, mpp: float, mpp_y: float) -> NDArray[np.float64]:
        """Return the corners in level-0 pixels of ``mpp`` x ``mpp_y`` micrometres, float64 [N, 2]."""
        return self.coords / np.array([mpp, mpp_y]) if self.producer == "stamp" else self.coords

    def side_level0(self, mpp: float) -> float | None:
        """Return the side of a tile in level-0 pixels of ``mpp`` micrometres; None where it is not stated."""
        return self.side / mpp if self.producer == "stamp" and self.side is not None else self.side


def is_feature_file(path: str | Path) -> bool:
    """Return whether a path of a manifest names a feature file."""
    return PurePosixPath(path).suffix.lower() in SUFFIXES


def read_feature_file(path: Path) -> FeatureFile:
    """Return what a feature file says; the features themselves are not read.

    Raises:
        SlideError: it cannot be read, is of none of the three layouts or of an unknown version of STAMP, has
            no coordinates, as many of them as it has no features, or two tiles at one position.
    """
    with opened(path) as file:
        stated = {name: _plain(value) for name, value in file.attrs.items()}
        found = _stamp(file, stated, path.name) if "stamp_version" in stated else _in_pixels(file, path.name)
    _refuse_wrong_coords(found, path.name)
    return found


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """Open a feature file for reading.

    Raises:
        SlideError: there is no such file, or it is no HDF5.
    """
    if path.suffix.lower() == ".pt":
        raise SlideError(
            f"{path.name}: a .pt file holds features without coordinates, so nobody can say where they lie; "
            "name the .h5 of the same slide"
        )
    try:
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except BROKEN as error:
        raise SlideError(f"{path.name} is no HDF5 file that can be read") from error


def _stamp(file: h5py.File, stated: Mapping[str, Any], where: str) -> FeatureFile:
    text = str(stated["stamp_version"])
    numbers = re.match(r"(\d+)\.(\d+)", text)
    version = (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
    if not OLDEST_STAMP <= version <= NEWEST_STAMP:
        low, high = (".".join(map(str, each)) for each in (OLDEST_STAMP, NEWEST_STAMP))
        raise SlideError(f"{where}: written by STAMP {text}; versions {low} to {high} are understood")
    for name, wanted in (("unit", "um"), ("feat_type", "tile")):
        if stated.get(name) != wanted:
            raise SlideError(f"{where}: STAMP's {name} is {stated.get(name)!r}, {wanted!r} is needed")
    features, coords = _pair(file, "feats", where)
    tile_px = stated.get("tile_size_px")
    return FeatureFile(
        producer="stamp", dataset="feats", coords=coords, side=_above_zero(stated, "tile_size_um", where),
        tile_px=None if tile_px is None else round(_above_zero(stated, "tile_size_px", where)),
        level0_mpp=None, slide_size=None, encoder=_name(stated.get("extractor")), dim=features.shape[1],
        dtype=str(features.dtype),
    )  # fmt: skip


def _in_pixels(file: h5py.File, where: str) -> FeatureFile:
    features, coords = _pair(file, "features", where)
    stated = {name: _plain(value) for name, value in file[COORDS].attrs.items()}
    encoder = _name(_plain(features.attrs.get("encoder", "")))
    shape = {"dim": features.shape[1], "dtype": str(features.dtype), "encoder": encoder}
    if "patch_size_level0" not in stated:
        return FeatureFile("clam", "features", coords, None, None, None, None, **shape)
    side = _above_zero(stated, "patch_size_level0", where)
    tile_px = round(_above_zero(stated, "patch_size", where))
    target = stated.get("target_magnification")
    mpp = None
    if isinstance(target, int | float):
        mpp = MICRONS_AT_ONE / _above_zero(stated, "target_magnification", where) * tile_px / side
    size = None
    if {"level0_width", "level0_height"} <= stated.keys():
        size = (
            round(_above_zero(stated, "level0_width", where)),
            round(_above_zero(stated, "level0_height", where)),
        )
    return FeatureFile("trident", "features", coords, side, tile_px, mpp, size, **shape)


def _pair(file: h5py.File, name: str, where: str) -> tuple[h5py.Dataset, NDArray[np.float64]]:
    """Return the data set of features, and the coordinates."""
    found: dict[str, h5py.Dataset] = {}
    for wanted in (name, COORDS):
        dataset = own_dataset(file, wanted, where)
        if dataset is not None:
            found[wanted] = dataset
        else:
            reason = (
                "without coordinates nobody can say where tiles lie" if wanted == COORDS else "no features"
            )
            raise SlideError(f"{where}: there is no data set {wanted!r}, only {sorted(file)}: {reason}")
    features, coords = found[name], np.asarray(found[COORDS])
    if features.ndim != 2 or not features.shape[1] or features.dtype.kind != "f":
        raise SlideError(
            f"{where}: {name!r} is {features.dtype} {list(features.shape)}; floats [N, D] are needed"
        )
    if coords.ndim != 2 or coords.shape[1] != 2 or coords.dtype.kind not in "iuf":
        raise SlideError(
            f"{where}: {COORDS!r} is {coords.dtype} {list(coords.shape)}; numbers [N, 2] are needed"
        )
    if len(coords) != len(features) or not len(coords):
        raise SlideError(f"{where}: there are {len(features)} features and {len(coords)} coordinates")
    return features, coords.astype(np.float64)


def _refuse_wrong_coords(found: FeatureFile, where: str) -> None:
    if not np.isfinite(found.coords).all() or (found.coords < 0).any():
        raise SlideError(f"{where}: coordinates must be finite and not below 0")
    _, counts = np.unique(found.coords, axis=0, return_counts=True)
    if (counts > 1).any():
        raise SlideError(f"{where}: {int((counts > 1).sum())} of {len(counts)} coordinates stand twice")


def _above_zero(stated: Mapping[str, Any], name: str, where: str) -> float:
    value = stated.get(name)
    if not isinstance(value, int | float) or not np.isfinite(value) or value <= 0:
        raise SlideError(f"{where}: the attribute {name} is {value!r}, a number above 0 is needed")
    return float(value)


def _plain(value: Any) -> Any:
    """Return an attribute as a Python value; of an array of equal numbers one of them."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, np.ndarray):
        flat = np.unique(value)
        return flat[0].item() if len(flat) == 1 and flat.dtype.kind in "iuf" else value.tolist()
    return value.item() if isinstance(value, np.generic) else value


def _name(value: Any) -> str:
    # TRIDENT stores a missing value as the word.
    return "" if value in (None, "None") else str(value)

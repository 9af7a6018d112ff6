"""Features of tiles in files, one per slide: .h5, .npy, .zarr or .pt, read when a bag is taken."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from tasks.evidence.read_when_taken import ReadWhenTaken
from tasks.functional.foreign_errors import SaidAs
from tasks.scoring.bags.brought import (
    BroughtBags,
    Floats,
    about_of,
    checked_features,
    ids_of,
    refuse_several_dims,
)
from tasks.scoring.bags.tile_table import TileTable
from tasks.scoring.errors import ScoringError

SUFFIXES = (".h5", ".hdf5", ".npy", ".zarr", ".pt")
NAMES = ("features", "feats")
"""Under which an .h5 or .zarr holds features; ``coords`` beside them are positions of the tiles."""
COORDS = "coords"


def read_bags(
    source: Path, tiles: TileTable | None = None, classes: Sequence[str] = ("0", "1")
) -> BroughtBags:
    """Return the bags of a folder, or of one file; the name of a file is that of its slide.

    Nothing but shapes is read here. Features are [N, D] or [1, N, D], of any float type.

    Args:
        source: a folder of files, or a file.
        tiles: what is known of tiles beside their features.
        classes: the names of the classes, for the labels of tiles.

    Raises:
        ScoringError: there is no file, two of one slide, or shapes that do not fit.
    """
    files = _files(source)
    shapes = {name: _shape(path) for name, path in files.items()}
    refuse_several_dims({name: shape[1] for name, shape in shapes.items()}, f"the features in {source.name}")
    names, counts = tuple(files), tuple(shape[0] for shape in shapes.values())
    table = TileTable({}) if tiles is None else tiles
    table.refuse_strangers(names)

    def features(place: int) -> Floats:
        return checked_features(names[place], _read(files[names[place]]))

    def about(place: int) -> Floats:
        name = names[place]
        found = about_of(name, counts[place], _coordinates(files[name]), None)
        found[:, 2] = table.darkness(name, found[:, :2])
        return found

    def classes_of(place: int) -> NDArray[np.int64]:
        return table.classes(names[place], about(place)[:, :2], classes)

    return BroughtBags(
        names=names,
        features=ReadWhenTaken(len(names), features),
        counts=counts,
        patients=("",) * len(names),
        labels=("",) * len(names),
        about=ReadWhenTaken(len(names), about),
        tile_classes=ReadWhenTaken(len(names), classes_of) if table.has_labels else (),
        tile_ids=ReadWhenTaken(len(names), lambda place: ids_of(names[place], about(place))),
    )


def read_scores(folder: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return by slide the scores in the files of ``folder``: .npy, or .h5 and .zarr with ``scores``.

    Raises:
        ScoringError: there is no file of a slide, or one cannot be read.
    """
    files = _files(folder)
    missing = sorted(set(names) - set(files))
    if missing:
        raise ScoringError(f"{folder.name} holds no map of slide {missing[0]!r}")
    return {name: np.asarray(_read(files[name], ("scores", "attention_scores", *NAMES))) for name in names}


@dataclass(frozen=True)
class _Opened:
    """What a file holds: one array, or arrays by name."""

    held: Any

    def array(self, names: Sequence[str], title: str) -> Any:
        """Return the array, or the first of ``names`` that there is."""
        if hasattr(self.held, "shape"):
            return self.held
        for name in names:
            with suppress(KeyError):
                return self.held[name]
        raise ScoringError(
            f"{title} holds none of {', '.join(names)}; it holds {', '.join(self.held) or 'nothing'}"
        )


def _files(source: Path) -> dict[str, Path]:
    if not source.exists():
        raise ScoringError(f"there is no file or folder {source.name}")
    inside = [source] if source.suffix in SUFFIXES else sorted(source.iterdir())
    paths = [path for path in inside if path.suffix in SUFFIXES]
    found: dict[str, Path] = {}
    for path in paths:
        if path.stem in found:
            raise ScoringError(
                f"{source.name} holds {found[path.stem].name} and {path.name}: two of one slide"
            )
        found[path.stem] = path
    if not found:
        raise ScoringError(f"{source.name} holds no file of features; they end with {', '.join(SUFFIXES)}")
    return found


def _shape(path: Path) -> tuple[int, int]:
    with SaidAs(ScoringError, f"{path.name} cannot be read", (ScoringError,)):
        if path.suffix in (".h5", ".hdf5"):
            with h5py.File(path) as file:
                shape = tuple(_Opened(file).array(NAMES, path.name).shape)
        else:
            shape = tuple(_opened(path).array(NAMES, path.name).shape)
    shape = shape[1:] if len(shape) == 3 and shape[0] == 1 else shape
    if len(shape) != 2 or 0 in shape:
        raise ScoringError(
            f"{path.name} holds features of shape {list(shape)}; needed [N, D], one row a tile"
        )
    return shape


def _read(path: Path, names: Sequence[str] = NAMES) -> NDArray[Any]:
    with SaidAs(ScoringError, f"{path.name} cannot be read", (ScoringError,)):
        if path.suffix in (".h5", ".hdf5"):
            with h5py.File(path) as file:
                return np.asarray(_Opened(file).array(names, path.name)[()])
        return np.asarray(_opened(path).array(names, path.name))


def _coordinates(path: Path) -> NDArray[Any] | None:
    """Return [N, 2]; None where the file holds none."""
    if path.suffix in (".h5", ".hdf5"):
        with h5py.File(path) as file:
            return np.asarray(file[COORDS][()]) if COORDS in file else None
    if path.suffix == ".zarr":
        held = _opened(path).held
        if not hasattr(held, "shape") and COORDS in held:
            return np.asarray(held[COORDS])
    return None


def _opened(path: Path) -> _Opened:
    if path.suffix == ".npy":
        return _Opened(np.load(path, mmap_mode="r", allow_pickle=False))
    if path.suffix == ".zarr":
        import zarr  # takes a fifth of a second, which other files need not spend

        return _Opened(zarr.open(path, mode="r"))
    held = torch.load(path, map_location="cpu", weights_only=True)
    return _Opened(held.float().numpy() if isinstance(held, torch.Tensor) else held)

"""A FeatureSet as the feature files that TRIDENT, CLAM and STAMP read. Formats: as in feature_files."""

from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.feature_set import FeatureSet
from tasks.artifacts.whole_file import whole_file
from tasks.interchange.errors import InterchangeError
from tasks.slides.feature_files import COORDS, MICRONS_AT_ONE, NEWEST_STAMP, Producer

_CHUNK_ROWS = 4096


def export_features(features: FeatureSet, folder: Path, producer: Producer) -> tuple[Path, ...]:
    """Write the features of one slide below ``folder`` and return the files, the feature file first.

    Positions are rounded to whole level-0 pixels for TRIDENT and CLAM, and features to float16 for STAMP. Of
    CLAM, ``h5_files``, ``pt_files`` and ``patches`` are written: its feature files do not state the size of
    tiles. Equal features give equal bytes.

    Args:
        features: of one slide.
        folder: made if absent; files that are there are replaced.
        producer: whose layout.

    Raises:
        InterchangeError: the tiles differ in size, or a feature does not fit into float16.
    """
    sides = features.table["extent_level0"].unique()
    if len(sides) != 1:
        raise InterchangeError(
            f"{features.facts.slide_id}: tiles of {len(sides)} sizes fit into no such file"
        )
    return _WRITERS[producer](features, folder)


def _trident(features: FeatureSet, folder: Path) -> tuple[Path, ...]:
    facts, name = features.facts, features.facts.slide_id
    path = _file(folder, name)
    with whole_file(path) as draft, h5py.File(draft, "w", locking=False) as file:
        stored = _dataset(file, "features", features.features())
        stored.attrs.update({"name": name, "encoder": facts.encoder.name})
        _dataset(file, COORDS, _whole_corners(features.table)).attrs.update(_trident_attributes(features))
    return (path,)


def _trident_attributes(features: FeatureSet) -> Mapping[str, object]:
    facts, side = features.facts, float(features.table["extent_level0"].iloc[0])
    return {
        "name": facts.slide_id,
        "patch_size": facts.tile_px,
        "patch_size_level0": round(side),
        "level0_magnification": round(MICRONS_AT_ONE / facts.level0_mpp),
        "target_magnification": round(MICRONS_AT_ONE / facts.mpp),
        "overlap": 0,
    }


def _clam(features: FeatureSet, folder: Path) -> tuple[Path, ...]:
    import torch  # heavy, and for one of the layouts alone

    name, corners, values = features.facts.slide_id, _whole_corners(features.table), features.features()
    path, tensors, tiles = (_file(folder / kind, name) for kind in ("h5_files", "pt_files", "patches"))
    tensors = tensors.with_suffix(".pt")
    with whole_file(path) as draft, h5py.File(draft, "w", locking=False) as file:
        _dataset(file, "features", values)
        _dataset(file, COORDS, corners)
    side = round(float(features.table["extent_level0"].iloc[0]))
    with whole_file(tiles) as draft, h5py.File(draft, "w", locking=False) as file:
        _dataset(file, COORDS, corners).attrs.update(
            {"name": name, "patch_size": side, "patch_level": 0, "downsample": (1.0, 1.0)}
        )
    with whole_file(tensors) as draft:
        torch.save(torch.from_numpy(values), draft)
    return path, tensors, tiles


def _stamp(features: FeatureSet, folder: Path) -> tuple[Path, ...]:
    facts, table = features.facts, features.table
    with np.errstate(over="ignore"):
        values = features.features().astype(np.float16)
    if not np.isfinite(values).all():
        raise InterchangeError(f"{facts.slide_id}: a feature exceeds float16, which STAMP's files hold")
    corners = table[["x_level0", "y_level0"]].to_numpy(np.float64) * facts.level0_mpp
    path = _file(folder, facts.slide_id)
    with whole_file(path) as draft, h5py.File(draft, "w", locking=False) as file:
        _dataset(file, "feats", values)
        _dataset(file, COORDS, corners)
        file.attrs.update({
            "stamp_version": ".".join(map(str, (*NEWEST_STAMP, 0))),
            "extractor": facts.encoder.name,
            "unit": "um",
            "tile_size_um": float(table["extent_level0"].iloc[0]) * facts.level0_mpp,
            "tile_size_px": facts.tile_px,
            "code_hash": "",
            "feat_type": "tile",
        })  # fmt: skip
    return (path,)


def _file(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.h5"


def _dataset(file: h5py.File, name: str, values: NDArray[np.generic]) -> h5py.Dataset:
    chunks = (max(1, min(_CHUNK_ROWS, len(values))), values.shape[1])
    return file.create_dataset(name, data=values, chunks=chunks, track_times=False)


def _whole_corners(table: pd.DataFrame) -> NDArray[np.int64]:
    corners = table[["x_level0", "y_level0"]].to_numpy(np.float64)
    return np.asarray(np.rint(corners), np.int64)


_WRITERS: dict[Producer, Callable[[FeatureSet, Path], tuple[Path, ...]]] = {
    "trident": _trident,
    "clam": _clam,
    "stamp": _stamp,
}

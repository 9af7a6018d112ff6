"""Coordinate files of CLAM and TRIDENT, and of STAMP's features: where the tiles of a slide lie, as HDF5.

Both hold a data set ``coords``, int64 [N, 2], x and y of the upper left corner in level-0 pixels, and
attributes. CLAM's ``patch_size`` counts pixels of the level ``patch_level``; TRIDENT's ``patch_size_level0``
counts level-0 pixels.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.whole_file import whole_file
from tasks.slides.errors import SlideError
from tasks.slides.feature_files import COORDS, MICRONS_AT_ONE, read_feature_file
from tasks.slides.geometry import SlideGeometry
from tasks.slides.hdf5 import BROKEN, own_dataset

Layout = Literal["clam", "trident"]

_CHUNK_ROWS = 4096


@dataclass(frozen=True)
class TileCoordinates:
    """Where the tiles of one slide lie.

    Attributes:
        x: left edges in level-0 pixels, float64 [N], in the order of the file.
        y: upper edges in level-0 pixels, float64 [N].
        extent: side of every tile in level-0 pixels.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    extent: float


@dataclass(frozen=True)
class TileSide:
    """How large the tiles of a file are.

    Attributes:
        pixels: side in pixels of the tile as it is read.
        level0: side in level-0 pixels.
        stride_level0: from one tile to the next in level-0 pixels.
    """

    pixels: int
    level0: float
    stride_level0: float


def read_coordinates(path: Path, geometry: SlideGeometry) -> TileCoordinates:
    """Read a coordinate file.

    Args:
        path: an HDF5 file of CLAM or TRIDENT.
        geometry: of the slide that it belongs to.

    Raises:
        SlideError: no such file, no coordinates in it, no size of the tiles, tiles twice or outside of the
            slide, or the file was made for a slide of another size.
    """
    if not path.is_file():
        raise SlideError(f"{path.name}: there is no such coordinate file")
    try:
        with h5py.File(path, "r", locking=False) as file:
            coords = own_dataset(file, COORDS, path.name)
            if coords is None:
                raise SlideError(
                    f"{path.name}: there is no data set {COORDS!r}, only {sorted(file)}; it is no coordinate "
                    f"file of CLAM or TRIDENT"
                )
            values = np.asarray(coords)
            stated = {**dict(file.attrs), **dict(coords.attrs)}
    except BROKEN as error:
        raise SlideError(f"{path.name} is no HDF5 file that can be read") from error
    if "stamp_version" in stated:
        return _of_stamp(path, geometry)
    if values.ndim != 2 or values.shape[1] != 2 or not len(values) or not np.isfinite(values).all():
        raise SlideError(
            f"{path.name}: {COORDS!r} must be finite numbers [N, 2] with N above 0, not {list(values.shape)}"
        )
    extent = _extent(stated, geometry, path.name)
    _refuse_other_slide(stated, geometry, path.name)
    x, y = np.ascontiguousarray(values.T).astype(np.float64)
    _refuse_misplaced(x, y, extent, geometry, path.name)
    return TileCoordinates(x, y, extent)


def _of_stamp(path: Path, geometry: SlideGeometry) -> TileCoordinates:
    """Return the coordinates of STAMP's features, which are in micrometres."""
    file = read_feature_file(path)
    x, y = file.corners_level0(geometry.mpp, geometry.mpp_y).T
    extent = file.side_level0(geometry.mpp)
    assert extent is not None
    _refuse_misplaced(x, y, extent, geometry, path.name)
    return TileCoordinates(x, y, extent)


def write_coordinates(
    path: Path, x: NDArray[np.float64], y: NDArray[np.float64], side: TileSide, layout: Layout,
    geometry: SlideGeometry,
) -> None:  # fmt: skip
    """Write a coordinate file; positions are rounded to whole level-0 pixels, equal tiles give equal bytes.

    Args:
        path: the file; one that is there is replaced.
        x: left edges in level-0 pixels, [N].
        y: upper edges in level-0 pixels, [N].
        side: how large the tiles are.
        layout: whose attributes it gets.
        geometry: of the slide.
    """
    coords = np.rint(np.stack([x, y], axis=1)).astype(np.int64)
    chunks = (max(1, min(_CHUNK_ROWS, len(coords))), 2)
    with whole_file(path) as draft, h5py.File(draft, "w", locking=False) as file:
        written = file.create_dataset(COORDS, data=coords, chunks=chunks, track_times=False)
        written.attrs.update(_attributes(path.stem, side, layout, geometry))


def stated_side(file: h5py.File, where: str) -> TileSide:
    """Return how large the tiles of an open coordinate file of CLAM are.

    Raises:
        SlideError: it does not state their size without the slide.
    """
    stated = {**dict(file.attrs), **(dict(file[COORDS].attrs) if COORDS in file else {})}
    if "patch_size" not in stated or "downsample" not in stated:
        raise SlideError(
            f"{where}: the size of the tiles is not stated, patch_size and downsample are needed"
        )
    pixels = _positive(stated["patch_size"], "patch_size", where)
    level0 = pixels * _positive(stated["downsample"], "downsample", where)
    return TileSide(round(pixels), level0, level0)


def _attributes(name: str, side: TileSide, layout: Layout, geometry: SlideGeometry) -> dict[str, object]:
    size = (geometry.width_level0, geometry.height_level0)
    if layout == "clam":
        return {
            "name": name, "patch_size": round(side.level0), "patch_level": 0, "downsample": (1.0, 1.0),
            "level_dim": size, "downsampled_level_dim": size,
        }  # fmt: skip
    mpp = side.level0 / side.pixels * geometry.mpp
    return {
        "name": name, "patch_size": side.pixels, "patch_size_level0": round(side.level0),
        "level0_magnification": round(MICRONS_AT_ONE / geometry.mpp),
        "target_magnification": round(MICRONS_AT_ONE / mpp),
        "overlap": max(0, round(side.pixels * (1 - side.stride_level0 / side.level0))),
        "level0_width": size[0], "level0_height": size[1],
    }  # fmt: skip


def _extent(stated: dict[str, object], geometry: SlideGeometry, where: str) -> float:
    """Return the side of a tile in level-0 pixels."""
    if "patch_size_level0" in stated:
        return _positive(stated["patch_size_level0"], "patch_size_level0", where)
    if "patch_size" in stated and "downsample" in stated:
        return _positive(stated["patch_size"], "patch_size", where) * _positive(
            stated["downsample"], "downsample", where
        )
    if "patch_size" in stated and "patch_level" in stated:
        level = int(np.ravel(np.asarray(stated["patch_level"]))[0])
        if not 0 <= level < len(geometry.level_downsamples):
            raise SlideError(
                f"{where}: patch_level is {level}, and the slide has the levels 0 to "
                f"{len(geometry.level_downsamples) - 1}"
            )
        size = _positive(stated["patch_size"], "patch_size", where)
        return size * geometry.level_downsamples[level]
    raise SlideError(
        f"{where}: the size of the tiles is not stated, neither patch_size_level0 nor patch_size with "
        f"patch_level; there are: {', '.join(sorted(stated)) or 'no attributes'}"
    )


def _positive(value: object, name: str, where: str) -> float:
    numbers = np.ravel(np.asarray(value))
    if not len(numbers) or numbers.dtype.kind not in "iuf" or not (numbers > 0).all():
        raise SlideError(f"{where}: {name} is {value}, a number above 0 is needed")
    return float(numbers[0])


def _refuse_other_slide(stated: dict[str, object], geometry: SlideGeometry, where: str) -> None:
    for name, own in (("level0_width", geometry.width_level0), ("level0_height", geometry.height_level0)):
        if name in stated and round(_positive(stated[name], name, where)) != own:
            raise SlideError(
                f"{where}: {name} is {stated[name]} and the slide has {own}; it was made for another slide"
            )


def _refuse_misplaced(
    x: NDArray[np.float64], y: NDArray[np.float64], extent: float, geometry: SlideGeometry, where: str
) -> None:
    outside = (x < 0) | (y < 0) | (x + 1 > geometry.width_level0) | (y + 1 > geometry.height_level0)
    if outside.any():
        first = int(np.argmax(outside))
        raise SlideError(
            f"{where}: {int(outside.sum())} of {len(x)} tiles start outside of the slide "
            f"of {geometry.width_level0} x {geometry.height_level0} px, the first at "
            f"({x[first]:g}, {y[first]:g})"
        )
    _, counts = np.unique(np.rint(np.stack([x, y], axis=1)), axis=0, return_counts=True)
    if (counts > 1).any():
        raise SlideError(
            f"{where}: {int((counts > 1).sum())} positions of {len(x)} tiles of {extent:g} px stand twice"
        )

"""The tiles of one slide as QuPath objects, with the figures of one model.

Format: GeoJSON (RFC 7946) as read by QuPath 0.4 and later, in a zip archive with one entry, which QuPath
opens as it is. ``properties`` holds the ``objectType`` ``tile``, a classification with its colour, and
``measurements`` as one JSON object of numbers. Coordinates are pixels instead of degrees.
"""

import io
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from tasks.functional.pixels import spans
from tasks.reporting.maps.view import CheckpointView, SlideView

_BATCH = 64
_DIGITS = 8
_COLUMNS = ("tile_id", "x_level0", "y_level0", "extent_level0")
_COLOURS = (
    (0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233),
)  # fmt: skip
"""Colours of the classes, distinct with any colour vision (Okabe and Ito)."""

MEAN = "mean attribution"
MEAN_ABSOLUTE = "mean |attribution|"
POSITIVE_FRACTION = "positive share of |attribution|"


def write_geojson(view: SlideView, item: CheckpointView, path: Path) -> None:
    """Write one feature per tile and line, each as soon as it is computed, into the zip archive ``path``.

    The entry has the name of the archive without ``.zip``. A polygon holds the tile's corners in level-0
    pixels, from the corner of the scanned area as in QuPath. A tile without a map has a probability only. NaN
    is left out, as JSON does not allow it.
    """
    write_features(about(view, item), _features(view, item), path)


def write_features(said: Mapping[str, Any], features: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Write a zip archive with one collection of ``features``, one a line, and what is ``said`` of it."""
    # A fixed date, so that bytes repeat.
    entry = ZipInfo(path.name.removesuffix(".zip"))
    entry.compress_type = ZIP_DEFLATED
    with (
        ZipFile(path, "w") as archive,
        archive.open(entry, "w", force_zip64=True) as raw,
        io.TextIOWrapper(raw, encoding="utf-8") as stream,
    ):
        stream.write(f'{{"type":"FeatureCollection","veritile":{_json(said)},"features":[')
        for number, feature in enumerate(features):
            stream.write((",\n" if number else "\n") + _json(feature))
        stream.write("\n]}\n")


def tile_figures(maps: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
    """Return the figures of ``maps`` [N, H, W] by name, each [N]; the share is NaN where a map is zero."""
    values = maps.reshape(len(maps), -1).astype(np.float64)
    total = np.abs(values).sum(axis=1)
    positive = np.maximum(values, 0.0).sum(axis=1)
    share = np.divide(positive, total, out=np.full_like(total, np.nan), where=total > 0)
    return {
        MEAN: values.mean(axis=1),
        MEAN_ABSOLUTE: total / values.shape[1],
        POSITIVE_FRACTION: share,
    }


def _features(view: SlideView, item: CheckpointView) -> Iterator[dict[str, Any]]:
    """Yield the evaluated tiles: first those with a map, in the order of the maps, then the others."""
    tiles = item.evaluated.tiles
    # Lists: to look up a row of a table takes longer than all else.
    columns = {name: tiles[name].tolist() for name in _COLUMNS}
    rows = {tile: row for row, tile in enumerate(columns["tile_id"])}
    mapped = [rows[tile] for tile in item.tiles["tile_id"]]
    for span in spans(len(mapped), _BATCH):
        figures = tile_figures(item.checkpoint.attributions.maps(span))
        for number, row in enumerate(mapped[span]):
            measured = {name: values[number] for name, values in figures.items()}
            yield _feature(view, item, _Tile(columns, row), measured)
    for row in sorted(set(rows.values()) - set(mapped)):
        yield _feature(view, item, _Tile(columns, row), {})


class _Tile:
    """One row of the tile table, by its number."""

    def __init__(self, columns: Mapping[str, list[Any]], row: int) -> None:
        self.row = row
        self.name, self.x, self.y, self.extent = (columns[name][row] for name in _COLUMNS)


def _feature(view: SlideView, item: CheckpointView, tile: _Tile, figures: dict[str, float]) -> dict[str, Any]:
    job, probabilities = view.job, item.evaluated.probabilities[tile.row]
    predicted = int(probabilities.argmax())
    measured = {f"probability of {job.target_class}": probabilities[job.target], **figures}
    name = str(tile.name)
    return {
        "type": "Feature",
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{job.explainer} {item.checkpoint.name} {name}")),
        "geometry": {"type": "Polygon", "coordinates": [ring(view, tile.x, tile.y, tile.extent)]},
        "properties": {
            "objectType": "tile",
            "name": name,
            "classification": {
                "name": job.classes[predicted],
                "color": _COLOURS[predicted % len(_COLOURS)],
            },
            "measurements": {key: rounded(value) for key, value in measured.items() if np.isfinite(value)},
        },
    }


def ring(view: SlideView, x: float, y: float, side: float) -> list[list[float]]:
    """Return the closed outline of a square of level-0 pixels, from the corner of the scanned area."""
    left, top = float(x) - view.geometry.bounds_x, float(y) - view.geometry.bounds_y
    right, bottom = left + float(side), top + float(side)
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    return [[round(x, 3), round(y, 3)] for x, y in corners]


def about(view: SlideView, item: CheckpointView) -> dict[str, Any]:
    """Return what the file is about."""
    geometry = view.geometry
    return {
        "slide": view.slide_id,
        "explainer": view.job.explainer,
        "model": item.checkpoint.name,
        "target_class": view.job.target_class,
        "slide_score": item.score,
        "maps": f"{view.mapped} of {view.usable} tiles",
        "origin_level0": [geometry.bounds_x, geometry.bounds_y],
        "um_per_pixel": [geometry.mpp, geometry.mpp_y],
    }


def rounded(value: float) -> float:
    """Return a measurement with the digits that a file keeps."""
    return float(f"{value:.{_DIGITS}g}")


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

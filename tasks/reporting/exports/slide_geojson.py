"""The tiles of one slide as QuPath objects, with the value that one model's map gives each of them.

Format: as in :mod:`tasks.reporting.exports.geojson`. The leading tiles that keep the call of the slide are
marked by one annotation over their squares, the sufficient set.
"""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import shapely.geometry

from tasks.reporting.exports.geojson import about, ring, rounded, write_features
from tasks.reporting.maps.view import CheckpointView, SlideView

VALUE, RANK = "value", "rank"
SUFFICIENT = "sufficient set"
_COLOUR = (213, 94, 0)


def write_slide_geojson(view: SlideView, item: CheckpointView, path: Path) -> None:
    """Write one feature per tile with its value and rank, 1 the highest, and the sufficient set if known.

    Equal values share no rank: the earlier tile comes first, as in the sufficient set.
    """
    write_features(about(view, item), _features(view, item), path)


def _features(view: SlideView, item: CheckpointView) -> Iterator[dict[str, Any]]:
    values = item.checkpoint.attributions.maps().reshape(-1).astype(np.float64)
    order = np.argsort(-values, kind="stable")
    ranks = np.empty(len(order), np.intp)
    ranks[order] = np.arange(1, len(order) + 1)
    squares = item.tiles[["x_level0", "y_level0", "extent_level0"]].to_numpy(dtype=np.float64).tolist()
    names = item.tiles["tile_id"].astype(str).tolist()
    for name, square, value, rank in zip(names, squares, values, ranks, strict=True):
        yield {
            "type": "Feature",
            "id": _id(view, item, name),
            "geometry": {"type": "Polygon", "coordinates": [ring(view, *square)]},
            "properties": {
                "objectType": "tile",
                "name": name,
                "measurements": {VALUE: rounded(float(value)), RANK: float(rank)},
            },
        }
    count = item.checkpoint.sufficient
    if count:
        yield _sufficient(view, item, [squares[row] for row in order[:count]])


def _sufficient(view: SlideView, item: CheckpointView, squares: list[list[float]]) -> dict[str, Any]:
    # Squares that share a side are no valid multipolygon until they are joined.
    shapes = [shapely.Polygon(ring(view, *square)) for square in squares]
    return {
        "type": "Feature",
        "id": _id(view, item, SUFFICIENT),
        "geometry": shapely.geometry.mapping(shapely.union_all(shapes)),
        "properties": {
            "objectType": "annotation",
            "name": SUFFICIENT,
            "classification": {"name": SUFFICIENT, "color": _COLOUR},
            "measurements": {"tiles": float(len(squares))},
        },
    }


def _id(view: SlideView, item: CheckpointView, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{view.job.explainer} {item.checkpoint.name} {name}"))
